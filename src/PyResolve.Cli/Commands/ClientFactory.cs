using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class ClientFactory
{
    public static PyResolveClient Create(string? profile, string? apiKey = null, Uri? apiUrl = null)
    {
        var found = apiUrl is null ? new ApiKeyStore(profile: profile).FindApiUrl() : null;
        if ((apiUrl ?? found?.Url) is { Scheme: "http", IsLoopback: false } url)
        {
            throw CliException.Usage(
                $"{DescribeSource(found)} would send your key unencrypted to {url.Host}.",
                "Use https. Plain http is for a server on this machine.");
        }
        return PyResolveClient.Create(new PyResolveClientOptions { Profile = profile, ApiKey = apiKey, ApiUrl = apiUrl });
    }

    private static string DescribeSource(ApiUrlSetting? setting) => setting switch
    {
        null => "--api-url",
        { Source: SettingSource.Environment } => EnvironmentVariables.ApiUrl,
        { Profile: { } profile } => $"profiles.{profile}.api_url in {setting.ConfigPath}",
        _ => $"api_url in {setting.ConfigPath}",
    };
}
