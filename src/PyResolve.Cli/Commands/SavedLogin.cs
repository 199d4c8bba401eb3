using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

/// <summary>Saves a key that the server has accepted or made, and says so.</summary>
internal static class SavedLogin
{
    /// <param name="parse">Whether the result is written as JSON.</param>
    /// <param name="isNew">Whether the server has just made the key, and shows it only this once: then it is saved before all else.</param>
    public static async Task<int> SaveAsync(
        Terminal terminal, ParseResult parse, string? profile, string key, LoginServer server, bool isNew,
        CancellationToken cancellationToken)
    {
        await using var client = server.CreateClient(key);
        if (isNew)
            client.Keys.SaveWithServers(key, server.Named ?? []);
        var account = await client.GetAccountAsync(cancellationToken);
        if (!isNew)
            client.Keys.SaveWithServers(key, server.Named ?? []);

        var savedProfile = client.Keys.FindProfile();
        if (parse.GetValue(GlobalOptions.Json))
        {
            var quota = CliJson.Wire(account.Quota, WireJson.Default.QuotaSnapshot);
            var url = client.ApiUrl.AbsoluteUri.TrimEnd('/');
            terminal.Exact(CliJson.Write(
                new LoginReport(account.Email, account.Plan, url, quota, client.Keys.ConfigPath, savedProfile)));
        }
        else
        {
            Show(terminal, client.Keys, account, profile);
        }

        WarnOfEnvironment(terminal, client.Keys, key, server.Option);
        return ExitCodes.Success;
    }

    private static void Show(Terminal terminal, ApiKeyStore keys, AccountInfo account, string? profile)
    {
        terminal.Success($"Authenticated as {account.Email}");
        terminal.Line($"  Plan: {account.Plan}");
        terminal.Line($"  Migrations remaining: {account.Quota.MigrationsRemaining}");
        terminal.Line($"  Saved in {keys.ConfigPath}{(keys.FindProfile() is { } name ? $", profile {name}" : "")}");
        if (profile is not null && profile != new ApiKeyStore().FindProfile())
            terminal.Line($"  To use it: --profile {profile}, or export {ApiKeyStore.ProfileVariable}={profile}");
    }

    private static void WarnOfEnvironment(Terminal terminal, ApiKeyStore keys, string key, IReadOnlyList<Uri>? apiUrls)
    {
        if (keys.FindApiKey() is { Source: SettingSource.Environment } credential && credential.Key != key)
            WarnOfOverride(ApiKeyStore.ApiKeyVariable, "key");
        if (apiUrls is not null && keys.FindApiUrl() is { Source: SettingSource.Environment, Urls: var set } && !set.SequenceEqual(apiUrls))
            WarnOfOverride(ApiKeyStore.ApiUrlVariable, "server");

        void WarnOfOverride(string variable, string saved) =>
            terminal.Warning($"{variable} is set and overrides the {saved} just saved. To use the saved one: unset {variable}");
    }
}
