using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

/// <summary>A session that a password opened, for one command.</summary>
internal static class PasswordSession
{
    /// <summary>Of the second factor. It works once, within a minute: nothing is lost where it stays in a shell's history.</summary>
    public static readonly Option<string?> Code =
        new("--code") { Description = "The code of your second factor, in place of asking for it.", HelpName = "code" };

    /// <summary>Asks for the code of the second factor if the account has one.</summary>
    /// <exception cref="PyResolveException">Also a wrong code, which is not asked for again.</exception>
    public static async Task<string> OpenAsync(
        Terminal terminal, ParseResult parse, PyResolveClient client, string email, string password, CancellationToken cancellationToken)
    {
        var request = new LogInRequest { Email = email, Password = password, Code = parse.GetValue(Code) };
        try
        {
            return (await client.LogInAsync(request, cancellationToken)).SessionToken;
        }
        catch (PyResolveException e) when (e.Code == ProblemCodes.TotpRequired && request.Code is null)
        {
            // A password on standard input leaves the terminal to the code, if there is one.
            var code = await terminal.AskSecretAsync("Code of your second factor: ", cancellationToken)
                ?? throw new CliException(
                    ExitCodes.Authentication, "This account has a second factor, and there is no terminal to ask for its code.",
                    "Give the code that your app shows now: --code 123456");
            return (await client.LogInAsync(request with { Code = code.Trim() }, cancellationToken)).SessionToken;
        }
    }

    /// <summary>Also for a command that was interrupted. Where it fails, the session expires by itself.</summary>
    public static async Task EndAsync(PyResolveClient client, string sessionToken)
    {
        try
        {
            await client.LogOutAsync(sessionToken, CancellationToken.None);
        }
        catch (PyResolveException)
        {
            // What the session was for is done all the same.
        }
    }
}
