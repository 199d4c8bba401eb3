using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class LoginCommand
{
    private const string KeyPrefix = "pyr_live_";
    private const string HowToPipe = "pyresolve login --with-key < file-with-the-key";

    private static readonly Option<string?> Key =
        new("--key") { Description = "The API key. It stays in your shell's history; use --with-key to avoid that.", HelpName = "key" };

    private static readonly Option<bool> WithKey = new("--with-key") { Description = "Read the API key from standard input." };

    private static readonly Option<string?> ApiUrl =
        new("--api-url") { Description = "The server, when it is not https://api.pyresolve.dev; saved with the key.", HelpName = "url" };

    public static Command Create(Terminal terminal)
    {
        var command = new Command("login", "Check an API key with the server, and save it for this user.") { WithKey, Key, ApiUrl };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, parse, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var apiUrl = ParseUrl(parse.GetValue(ApiUrl), "--api-url");
        var key = await ReadKeyAsync(terminal, parse, cancellationToken);
        var profile = GlobalOptions.GetProfile(parse);
        // A key belongs to one server. If only the environment names it, save it too, or the key would later be sent to another server.
        var named = apiUrl ?? ParseUrl(Environment.GetEnvironmentVariable(ApiKeyStore.ApiUrlVariable), ApiKeyStore.ApiUrlVariable);
        await using var client = ClientFactory.Create(profile, CheckForm(key, apiUrl), named ?? FindServerOfNewProfile(profile), apiUrl);

        var account = await GetAccountAsync(client, cancellationToken);
        client.Keys.Save(key, named);

        terminal.Success($"Authenticated as {account.Email}");
        terminal.Line($"  Plan: {account.Plan}");
        terminal.Line($"  Migrations remaining: {account.Quota.MigrationsRemaining}");
        terminal.Line($"  Saved in {client.Keys.ConfigPath}{(client.Keys.FindProfile() is { } name ? $", profile {name}" : "")}");
        if (profile is not null && profile != new ApiKeyStore().FindProfile())
            terminal.Line($"  To use it: --profile {profile}, or export {ApiKeyStore.ProfileVariable}={profile}");
        WarnOfEnvironment(terminal, client.Keys, key, apiUrl);
        return ExitCodes.Success;
    }

    private static Uri? ParseUrl(string? text, string origin)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;
        return Uri.TryCreate(text.Trim(), UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw CliException.Usage($"{origin} is not an http or https URL: {text}", "Write it as https://api.pyresolve.dev.");
    }

    /// <summary>Login is the one command for which a profile need not exist yet.</summary>
    private static Uri? FindServerOfNewProfile(string? profile)
    {
        var keys = new ApiKeyStore(profile: profile);
        return keys.FindProfile() is { } name && !keys.ListProfiles().Contains(name) ? PyResolveClientOptions.DefaultApiUrl : null;
    }

    private static async Task<string> ReadKeyAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var given = parse.GetValue(Key);
        if (parse.GetValue(WithKey))
        {
            if (given is not null)
                throw CliException.Usage("Give --key or --with-key, not both.", "See: pyresolve login --help");
            var line = await terminal.Input.ReadLineAsync(cancellationToken);
            return line?.Trim() is { Length: > 0 } read
                ? read
                : throw CliException.Usage("There is no key on standard input.", $"Use: {HowToPipe}");
        }
        if (given is not null)
        {
            terminal.Warning($"A key on the command line stays in your shell's history. Next time: {HowToPipe}");
            return given.Trim();
        }
        return (await terminal.AskSecretAsync("Enter your API key: ", cancellationToken))?.Trim()
            ?? throw CliException.Usage(
                "Cannot ask for a key: standard input is not a terminal.", $"Use: {HowToPipe}", "Or set PYRESOLVE_API_KEY instead.");
    }

    private static string CheckForm(string key, Uri? apiUrl) => key.StartsWith(KeyPrefix, StringComparison.Ordinal)
        ? key
        : throw new CliException(ExitCodes.Authentication, "Invalid API key format. Keys start with 'pyr_live_'.", WhereToGetOne(apiUrl));

    private static async Task<AccountInfo> GetAccountAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetAccountAsync(cancellationToken);
        }
        catch (PyResolveException e) when (e.Status == 401)
        {
            var cause = $"{e.Problem?.Detail ?? "Invalid API key"} (asked {client.ApiUrl.AbsoluteUri.TrimEnd('/')}). Nothing was saved.";
            throw new CliException(ExitCodes.Authentication, cause, WhereToGetOne(client.ApiUrl));
        }
    }

    private static string[] WhereToGetOne(Uri? apiUrl) => apiUrl is null || apiUrl.Host == "api.pyresolve.dev"
        ? ["Get your key at https://pyresolve.dev/settings"]
        :
        [
            "Ask the server's operator for a key, or create an account, which comes with one:",
            $"  curl {apiUrl.AbsoluteUri.TrimEnd('/')}/auth/signup -H 'Content-Type: application/json' "
            + """-d '{"email":"…","password":"…"}'""",
        ];

    private static void WarnOfEnvironment(Terminal terminal, ApiKeyStore keys, string key, Uri? apiUrl)
    {
        if (keys.FindApiKey() is { Source: SettingSource.Environment } credential && credential.Key != key)
            WarnOfOverride(ApiKeyStore.ApiKeyVariable, "key");
        if (apiUrl is not null && keys.FindApiUrl() is { Source: SettingSource.Environment } setting && setting.Url != apiUrl)
            WarnOfOverride(ApiKeyStore.ApiUrlVariable, "server");

        void WarnOfOverride(string variable, string saved) =>
            terminal.Warning($"{variable} is set and overrides the {saved} just saved. To use the saved one: unset {variable}");
    }
}
