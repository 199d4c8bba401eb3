using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class SignUpCommand
{
    public const string CommandName = "signup";

    private static readonly Option<string?> Email =
        new("--email") { Description = "The new account's email address.", HelpName = "address" };

    private static readonly Option<string?> Name =
        new("--name") { Description = "Your name. Default: the part of the address before the @.", HelpName = "name" };

    public static Command Create(Terminal terminal)
    {
        var command = new ExplainedCommand(
            CommandName, "Create an account, and save its first API key for this user.", "pyresolve signup",
            "pyresolve signup --email ada@example.com --password-stdin < password.txt")
        {
            Email, Name, Password.FromInput, LoginServer.ApiUrl, GlobalOptions.Json,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, parse, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var profile = GlobalOptions.GetProfile(parse);
        var server = LoginServer.From(parse, profile);
        RefuseToReplace(new ApiKeyStore(profile: profile), profile);
        var email = parse.GetValue(Email) ?? await terminal.AskAsync("Email: ", cancellationToken)
            ?? throw CliException.Usage(
                "Cannot ask for an email address: there is no terminal.", "Give it: pyresolve signup --email ada@example.com");
        var password = await ReadNewPasswordAsync(terminal, parse, cancellationToken);

        await using var client = server.CreateClient();
        var request = new SignUpRequest { Email = email.Trim(), Password = password, Name = parse.GetValue(Name) };
        var account = await SignUpAsync(client, request, cancellationToken);
        var result = await SavedLogin.SaveAsync(terminal, parse, profile, account.ApiKey, server, isNew: true, cancellationToken);
        await PasswordSession.EndAsync(client, account.SessionToken);
        return result;
    }

    /// <summary>A new account's key would take the place of the one that is saved, which nobody could read again.</summary>
    private static void RefuseToReplace(ApiKeyStore keys, string? profile)
    {
        if (keys.FindProfile() is { } name && !keys.ListProfiles().Contains(name))
            return;
        if (keys.FindApiKey() is { Source: not SettingSource.Environment } saved)
        {
            throw new CliException(
                ExitCodes.Failure,
                $"You are logged in already, with the key {saved.MaskedKey} in {saved.ConfigPath}.",
                $"Log out first: pyresolve logout{(profile is null ? "" : $" --profile {profile}")}",
                "Or keep both accounts: pyresolve signup --profile <name>");
        }
    }

    private static async Task<SignUpResponse> SignUpAsync(
        PyResolveClient client, SignUpRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await client.SignUpAsync(request, cancellationToken);
        }
        catch (PyResolveException e) when (e.Code is ProblemCodes.Conflict or ProblemCodes.SignUpClosed)
        {
            var next = e.Code == ProblemCodes.Conflict
                ? "Log in to it: pyresolve login"
                : "Ask its operator for an account, then: pyresolve login";
            throw new CliException(ExitCodes.Authentication, e.Cause, next);
        }
        catch (PyResolveException e) when (e.Problem?.Errors is { Count: > 0 } errors)
        {
            var causes = errors.SelectMany(static error => error.Value.Select(text => $"The {error.Key} {text}"));
            throw CliException.Usage(string.Join(' ', causes), "Try again: pyresolve signup");
        }
    }

    private static async Task<string> ReadNewPasswordAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var password = await Password.ReadAsync(terminal, parse, "New password: ", cancellationToken);
        if (!parse.GetValue(Password.FromInput)
            && await terminal.AskSecretAsync("The same again: ", cancellationToken) != password)
        {
            throw CliException.Usage("The two passwords differ.", "Try again: pyresolve signup");
        }
        return password;
    }
}
