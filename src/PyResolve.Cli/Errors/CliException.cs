namespace PyResolve.Cli.Errors;

/// <summary>Ends a command: one line with the cause, and one with what to do next.</summary>
internal sealed class CliException(int exitCode, string cause, params string[] next) : Exception(cause)
{
    public int ExitCode => exitCode;

    public IReadOnlyList<string> Next => next;
}
