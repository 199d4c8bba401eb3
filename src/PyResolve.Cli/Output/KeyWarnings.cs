using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Output;

internal static class KeyWarnings
{
    /// <summary>Warns if config.toml has another key for the profile in use. For a key that came from the environment.</summary>
    public static void WarnOfOverriddenKey(this ApiKeyStore keys, Terminal terminal, string usedKey)
    {
        string? profile;
        string? saved;
        try
        {
            profile = keys.FindProfile();
            saved = profile is null ? keys.ReadSetting("api_key") : keys.ReadSetting("profiles", profile, "api_key");
        }
        catch (ConfigFileException exception) when (exception.Line is null)
        {
            // A file that this user cannot read has nothing that is overridden.
            return;
        }

        if (saved is not { Length: > 0 } || saved == usedKey)
            return;
        var forProfile = profile is null ? "" : $" for profile {profile}";
        terminal.Warning($"{ApiKeyStore.ApiKeyVariable} overrides the key saved in {keys.ConfigPath}{forProfile}.");
    }
}
