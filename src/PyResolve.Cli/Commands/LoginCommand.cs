using System.CommandLine;
using PyResolve.Cli.Errors;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class LoginCommand
{
    private const string KeyPrefix = "pyr_live_";

    private static readonly Option<string?> Key = new("--key")
    {
        Description = "The API key. It stays in your shell's history; --with-key does not leave it there.",
        HelpName = "key",
    };

    private static readonly Option<bool> WithKey = new("--with-key") { Description = "Read the API key from standard input." };

    private static readonly Option<string?> ApiUrl = new("--api-url")
    {
        Description = "The server, when it is not https://api.pyresolve.dev. It is saved with the key.",
        HelpName = "url",
    };

    public static Command Create(Terminal terminal)
    {
        var command = new Command("login", "Check an API key with the server, and save it for this user.") { WithKey, Key, ApiUrl };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, parse, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var apiUrl = ParseUrl(parse.GetValue(ApiUrl));
        var key = await ReadKeyAsync(terminal, parse, cancellationToken);
        var profile = GlobalOptions.ProfileOf(parse);
        await using var client = Connection.Open(profile, Checked(key, apiUrl), apiUrl);

        var account = await GetAccountAsync(client, cancellationToken);
        // A key belongs to its server: one that only the environment names must not be forgotten with it, and the key sent elsewhere.
        client.Keys.Save(key, apiUrl ?? (client.Keys.FindApiUrl() is { Source: SettingSource.Environment } setting ? setting.Url : null));

        terminal.Success($"Authenticated as {account.Email}");
        terminal.Line($"  Plan: {account.Plan}");
        terminal.Line($"  Migrations remaining: {account.Quota.MigrationsRemaining}");
        terminal.Line($"  Saved in {client.Keys.ConfigPath}{(client.Keys.FindProfile() is { } name ? $", profile {name}" : "")}");
        if (profile is not null && new ApiKeyStore().FindProfile() != profile)
            terminal.Line($"  To use it: --profile {profile}, or export {ApiKeyStore.ProfileVariable}={profile}");
        WarnOfEnvironment(terminal, client.Keys, key, apiUrl);
        return ExitCodes.Success;
    }

    private static Uri? ParseUrl(string? text)
    {
        if (text is null)
            return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new CliException(ExitCodes.Usage, $"--api-url is no http or https URL: {text}", "Write it as https://api.pyresolve.dev.");
    }

    private static async Task<string> ReadKeyAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var given = parse.GetValue(Key);
        if (parse.GetValue(WithKey))
        {
            if (given is not null)
                throw new CliException(ExitCodes.Usage, "Give --key or --with-key, not both.", "See: pyresolve login --help");
            var line = await terminal.Input.ReadLineAsync(cancellationToken);
            return line?.Trim() is { Length: > 0 } read
                ? read
                : throw new CliException(ExitCodes.Usage, "There is no key on standard input.", "Use: pyresolve login --with-key < file-with-the-key");
        }
        if (given is not null)
        {
            terminal.Warning("A key on the command line stays in your shell's history. Next time: pyresolve login --with-key < file-with-the-key");
            return given.Trim();
        }
        return (await terminal.AskSecretAsync("Enter your API key: ", cancellationToken))?.Trim()
            ?? throw new CliException(
                ExitCodes.Usage,
                "Nobody is here to type a key: standard input is no terminal.",
                "Use: pyresolve login --with-key < file-with-the-key",
                "Or set PYRESOLVE_API_KEY, and skip the login.");
    }

    private static string Checked(string key, Uri? apiUrl) => key.StartsWith(KeyPrefix, StringComparison.Ordinal)
        ? key
        : throw new CliException(ExitCodes.Authentication, $"Invalid API key format. Keys start with '{KeyPrefix}'.", WhereToGetOne(apiUrl));

    private static async Task<Client.Wire.AccountInfo> GetAccountAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetAccountAsync(cancellationToken);
        }
        catch (PyResolveException e) when (e.Status == 401)
        {
            throw new CliException(
                ExitCodes.Authentication, $"{e.Problem?.Detail ?? "Invalid API key"} (asked {client.ApiUrl.AbsoluteUri.TrimEnd('/')}). Nothing was saved.", WhereToGetOne(client.ApiUrl));
        }
    }

    private static string[] WhereToGetOne(Uri? apiUrl) => apiUrl is null || apiUrl.Host == "api.pyresolve.dev"
        ? ["Get your key at https://pyresolve.dev/settings"]
        :
        [
            "Ask whoever runs that server for a key, or open an account, which comes with one:",
            $"  curl {apiUrl.AbsoluteUri.TrimEnd('/')}/auth/signup -H 'Content-Type: application/json' -d '{{\"email\":\"…\",\"password\":\"…\"}}'",
        ];

    private static void WarnOfEnvironment(Terminal terminal, ApiKeyStore keys, string key, Uri? apiUrl)
    {
        if (keys.FindApiKey() is { Source: SettingSource.Environment } credential && credential.Key != key)
            terminal.Warning($"{ApiKeyStore.ApiKeyVariable} is set and overrides the key just saved. To use it: unset {ApiKeyStore.ApiKeyVariable}");
        if (apiUrl is not null && keys.FindApiUrl() is { Source: SettingSource.Environment } setting && setting.Url != apiUrl)
            terminal.Warning($"{ApiKeyStore.ApiUrlVariable} is set and overrides the server just saved. To use it: unset {ApiKeyStore.ApiUrlVariable}");
    }
}
