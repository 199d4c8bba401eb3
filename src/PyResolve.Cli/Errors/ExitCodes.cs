namespace PyResolve.Cli.Errors;

/// <summary>What scripts and CI read. Documented in <c>--help</c> and in the README; never renumbered.</summary>
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
          0    done
          1    failed: the migrator, the server, a file
          2    wrong usage, or a configuration that cannot be read
          3    denied: the month's quota is used up, or the plan does not allow it
          4    not logged in, or the key is not valid
          5    the server could not be reached, or what answers is no PyResolve server
          130  interrupted
        """;
}
