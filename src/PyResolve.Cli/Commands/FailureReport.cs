using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

internal static class FailureReport
{
    /// <summary>Writes why a command failed to standard error, as JSON where that was asked for.</summary>
    /// <returns>The exit code.</returns>
    public static int Write(Exception exception, ParseResult parse, Terminal terminal)
    {
        var failure = Failures.Describe(exception, parse.GetValue(GlobalOptions.Profile));
        if (parse.GetValue(GlobalOptions.Json))
            terminal.ExactError(CliJson.Write(new ErrorReport(failure.ExitCode, failure.Message, failure.Next)));
        else
            terminal.Error(failure.Message, failure.Next);
        return failure.ExitCode;
    }
}
