using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

/// <summary>Asks before something that cannot be taken back.</summary>
internal static class Confirmation
{
    public static readonly Option<bool> Yes = new("--yes") { Description = "Do not ask." };

    /// <exception cref="CliException">The answer is no, or there is nobody to ask.</exception>
    public static async Task AskAsync(Terminal terminal, ParseResult parse, string question, CancellationToken cancellationToken)
    {
        if (parse.GetValue(Yes))
            return;
        var answer = await terminal.AskAsync($"{question} [y/N] ", cancellationToken)
            ?? throw CliException.Usage("This needs confirmation, and there is no terminal.", "To confirm: --yes");
        if (answer.Trim().ToUpperInvariant() is not ("Y" or "YES"))
            throw new CliException(ExitCodes.Failure, "Nothing was changed.", "To go on, answer y.");
    }
}
