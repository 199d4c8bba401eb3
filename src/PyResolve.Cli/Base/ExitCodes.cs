namespace PyResolve.Cli.Base;

/// <summary>Part of the public contract: documented in <c>--help</c> and in the README, and never renumbered.</summary>
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
        Exit codes:
          0    success
          1    failure: of the migrator, the server or a file
          2    invalid arguments or configuration
          3    denied: the month's quota is used up, or the plan does not allow it
          4    not logged in, or the key is not valid
          5    the server cannot be reached, or what answers is not a PyResolve server
          130  interrupted
        """;
}
