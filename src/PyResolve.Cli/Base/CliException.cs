namespace PyResolve.Cli.Base;

/// <summary>Ends a command. The message is the cause, in one line.</summary>
internal sealed class CliException(int exitCode, string cause, params string[] next) : Exception(cause)
{
    public static CliException Usage(string cause, params string[] next) => new(ExitCodes.Usage, cause, next);

    public int ExitCode => exitCode;

    public IReadOnlyList<string> Next => next;
}
