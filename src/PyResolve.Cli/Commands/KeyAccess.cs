using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class KeyAccess
{
    /// <summary>
    /// Calls with the saved key; where that lacks the scope, once more with a session, for which the account's password is asked.
    /// </summary>
    public static async Task<int> UseAsync(
        Terminal terminal, ParseResult parse, Func<PyResolveClient, string?, Task<int>> use, CancellationToken cancellationToken)
    {
        await using var client = ClientFactory.CreateLoggedIn(GlobalOptions.GetProfile(parse));
        if (!parse.GetValue(Password.FromInput))
        {
            try
            {
                return await use(client, null);
            }
            catch (PyResolveException e) when (e.Code == ProblemCodes.ScopeMissing)
            {
                if (!terminal.IsInteractive)
                {
                    throw new CliException(
                        ExitCodes.Authentication, "The saved key may not manage keys: it does not have the scope keys.",
                        "Give the account's password: --password-stdin < file-with-the-password",
                        "Or use a key that has this scope.");
                }
            }
        }

        var email = (await client.GetAccountAsync(cancellationToken)).Email;
        var password = await Password.ReadAsync(terminal, parse, $"Password of {email}: ", cancellationToken);
        var session = await LogInAsync(terminal, parse, client, email, password, cancellationToken);
        try
        {
            return await use(client, session);
        }
        finally
        {
            await PasswordSession.EndAsync(client, session);
        }
    }

    private static async Task<string> LogInAsync(
        Terminal terminal, ParseResult parse, PyResolveClient client, string email, string password, CancellationToken cancellationToken)
    {
        try
        {
            return await PasswordSession.OpenAsync(terminal, parse, client, email, password, cancellationToken);
        }
        catch (PyResolveException e) when (e.Status == 401)
        {
            throw new CliException(ExitCodes.Authentication, e.Problem?.Detail ?? "Wrong password.", "Try again.");
        }
    }
}
