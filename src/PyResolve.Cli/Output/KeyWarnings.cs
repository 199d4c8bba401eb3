using PyResolve.Client;

namespace PyResolve.Cli.Output;

internal static class KeyWarnings
{
    /// <summary>Says that the environment's key is used, where the file has another one for the profile in use.</summary>
    public static void WarnOfOverriddenKey(this ApiKeyStore keys, Terminal terminal, string used)
    {
        var profile = keys.FindProfile();
        var file = ConfigFile.Load(keys.ConfigPath);
        var saved = profile is null ? file.String("api_key") : file.String("profiles", profile, "api_key");
        if (saved is { Length: > 0 } && saved != used)
            terminal.Warning($"{ApiKeyStore.ApiKeyVariable} overrides the key saved in {keys.ConfigPath}{(profile is null ? "" : $" for profile {profile}")}.");
    }
}
