namespace PyResolve.Cli.Base;

/// <summary>Part of the public contract: documented in <c>--help</c> and in docs/cli.md, and never renumbered.</summary>
internal static class ExitCodes
{
    public const int Success = 0;
    public const int Failure = 1;
    public const int Usage = 2;
    public const int Denied = 3;
    public const int Authentication = 4;
    public const int Network = 5;
    public const int Interrupted = 130;

    public const string Help = """
          0 success              3 denied by quota or plan     130 interrupted
          1 failure              4 not logged in
          2 invalid arguments    5 server not reachable
        """;
}
