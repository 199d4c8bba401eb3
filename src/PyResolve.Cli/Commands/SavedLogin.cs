using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

/// <summary>Saves a key that the server has accepted or made, and says so.</summary>
internal static class SavedLogin
{
    /// <param name="isNew">Whether the server has just made the key, and shows it only this once: then it is saved before all else.</param>
    public static async Task<int> SaveAsync(
        Terminal terminal, string? profile, string key, LoginServer server, bool isNew, CancellationToken cancellationToken)
    {
        await using var client = server.CreateClient(key);
        if (isNew)
            client.Keys.Save(key, server.Named);
        var account = await client.GetAccountAsync(cancellationToken);
        if (!isNew)
            client.Keys.Save(key, server.Named);

        terminal.Success($"Authenticated as {account.Email}");
        terminal.Line($"  Plan: {account.Plan}");
        terminal.Line($"  Migrations remaining: {account.Quota.MigrationsRemaining}");
        terminal.Line($"  Saved in {client.Keys.ConfigPath}{(client.Keys.FindProfile() is { } name ? $", profile {name}" : "")}");
        if (profile is not null && profile != new ApiKeyStore().FindProfile())
            terminal.Line($"  To use it: --profile {profile}, or export {ApiKeyStore.ProfileVariable}={profile}");
        WarnOfEnvironment(terminal, client.Keys, key, server.Option);
        return ExitCodes.Success;
    }

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
