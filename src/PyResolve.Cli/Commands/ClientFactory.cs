using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class ClientFactory
{
    /// <param name="profile">The value of <c>--profile</c>.</param>
    /// <param name="apiKey">Overrides the saved key.</param>
    /// <param name="apiUrl">Overrides the saved server.</param>
    /// <param name="apiUrlOption">The value of <c>--api-url</c>, for messages.</param>
    public static PyResolveClient Create(string? profile, string? apiKey = null, Uri? apiUrl = null, Uri? apiUrlOption = null) =>
        Create(new PyResolveClientOptions { Profile = profile, ApiKey = apiKey, ApiUrl = apiUrl }, apiUrlOption);

    /// <summary>For what needs a key.</summary>
    /// <param name="profile">The value of <c>--profile</c>.</param>
    /// <exception cref="CliException">There is none.</exception>
    public static PyResolveClient CreateLoggedIn(string? profile) => LoggedIn(Create(profile));

    /// <summary>For prepaying so many migrations.</summary>
    /// <exception cref="CliException">There is no key.</exception>
    public static PyResolveClient CreateToPrepay(string? profile, int migrations, TimeSpan lifetime) => LoggedIn(Create(
        new PyResolveClientOptions { Profile = profile, PrepaidMigrations = migrations, PrepaidLifetime = lifetime }, apiUrlOption: null));

    /// <summary>For sending a project, which takes a while on a slow network.</summary>
    /// <exception cref="CliException">There is no key.</exception>
    public static PyResolveClient CreateToSend(string? profile) => LoggedIn(Create(
        new PyResolveClientOptions { Profile = profile, RequestTimeout = TimeSpan.FromMinutes(2) }, apiUrlOption: null));

    private static PyResolveClient LoggedIn(PyResolveClient client) =>
        client.Keys.FindApiKey() is not null ? client : throw Failures.NotLoggedIn(client.Keys.FindProfile());

    private static PyResolveClient Create(PyResolveClientOptions options, Uri? apiUrlOption)
    {
        var found = options.ApiUrl is null ? new ApiKeyStore(profile: options.Profile).FindApiUrl() : null;
        if ((options.ApiUrl ?? found?.Url) is { Scheme: "http" } url && !Loopback.Is(url))
        {
            var origin = found?.Origin ?? (apiUrlOption is null ? ApiKeyStore.ApiUrlVariable : "--api-url");
            throw CliException.Usage(
                $"{origin} would send your key unencrypted to {Loopback.ShownHost(url)}.",
                "Use https. Plain http is for a server on this machine.");
        }
        return PyResolveClient.Create(options);
    }
}
