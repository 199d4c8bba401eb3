using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

/// <summary>A password is typed without echo, or is the first line of standard input; it is never an argument.</summary>
internal static class Password
{
    private const string HowToPipe = "Pipe it in: … --password-stdin < file-with-the-password";

    public static readonly Option<bool> FromInput =
        new("--password-stdin") { Description = "Read the password from standard input, in place of asking for it." };

    public static async Task<string> ReadAsync(
        Terminal terminal, ParseResult parse, string question, CancellationToken cancellationToken)
    {
        if (parse.GetValue(FromInput))
        {
            return await terminal.Input.ReadLineAsync(cancellationToken) is { Length: > 0 } line
                ? line
                : throw CliException.Usage("There is no password on standard input.", HowToPipe);
        }
        return await terminal.AskSecretAsync(question, cancellationToken) is { Length: > 0 } typed
            ? typed
            : throw CliException.Usage(
                "A password is needed, and there is no terminal to ask for it.", HowToPipe);
    }
}
