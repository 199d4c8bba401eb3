using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Output;

internal static class KeyWarnings
{
    /// <summary>Warns when the environment's key is used, and the file has a different one for the profile in use.</summary>
    public static void WarnOfOverriddenKey(this ApiKeyStore keys, Terminal terminal, string usedKey)
    {
        var profile = keys.FindProfile();
        var saved = profile is null ? keys.ReadSetting("api_key") : keys.ReadSetting("profiles", profile, "api_key");
        if (saved is not { Length: > 0 } || saved == usedKey)
            return;
        var forProfile = profile is null ? "" : $" for profile {profile}";
        terminal.Warning($"{EnvironmentVariables.ApiKey} overrides the key saved in {keys.ConfigPath}{forProfile}.");
    }
}
