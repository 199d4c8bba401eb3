using PyResolve.Cli.Errors;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

/// <summary>Opens the client that a command talks through.</summary>
internal static class Connection
{
    /// <param name="profile">Default: environment, then what the config file says.</param>
    /// <param name="apiKey">Default: environment, then config file.</param>
    /// <param name="apiUrl">Default: environment, then config file, then the public server.</param>
    public static PyResolveClient Open(string? profile, string? apiKey = null, Uri? apiUrl = null)
    {
        var found = apiUrl is null ? new ApiKeyStore(profile: profile).FindApiUrl() : null;
        var url = apiUrl ?? found?.Url;
        if (url is { Scheme: "http", IsLoopback: false })
        {
            throw new CliException(
                ExitCodes.Usage,
                $"{found?.Origin ?? "--api-url"} would send your key unencrypted to {url.Host}.",
                "Use https. Plain http is for a server on this machine, or a tunnel to one.");
        }
        return PyResolveClient.Create(new PyResolveClientOptions { Profile = profile, ApiKey = apiKey, ApiUrl = apiUrl });
    }
}
