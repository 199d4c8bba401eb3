using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class ClientFactory
{
    /// <param name="profile">The value of <c>--profile</c>.</param>
    /// <param name="apiKey">Overrides the saved key.</param>
    /// <param name="apiUrls">Override the saved servers.</param>
    /// <param name="areOption">Whether they are the value of <c>--api-url</c>, for messages.</param>
    public static PyResolveClient Create(
        string? profile, string? apiKey = null, IReadOnlyList<Uri>? apiUrls = null, bool areOption = false) =>
        Create(new PyResolveClientOptions { Profile = profile, ApiKey = apiKey, ApiUrls = apiUrls }, areOption);

    /// <summary>For what needs a key.</summary>
    /// <param name="profile">The value of <c>--profile</c>.</param>
    /// <exception cref="CliException">There is none.</exception>
    public static PyResolveClient CreateLoggedIn(string? profile) => LoggedIn(Create(profile));

    /// <summary>For prepaying so many migrations.</summary>
    /// <exception cref="CliException">There is no key.</exception>
    public static PyResolveClient CreateToPrepay(string? profile, int migrations, TimeSpan lifetime) => LoggedIn(Create(
        new PyResolveClientOptions { Profile = profile, PrepaidMigrations = migrations, PrepaidLifetime = lifetime }, areOption: false));

    /// <summary>For sending a project, which takes a while on a slow network.</summary>
    /// <exception cref="CliException">There is no key.</exception>
    public static PyResolveClient CreateToSend(string? profile) => LoggedIn(Create(
        new PyResolveClientOptions { Profile = profile, RequestTimeout = TimeSpan.FromMinutes(2) }, areOption: false));

    private static PyResolveClient LoggedIn(PyResolveClient client) =>
        client.Keys.FindApiKey() is not null ? client : throw Failures.NotLoggedIn(client.Keys.FindProfile());

    private static PyResolveClient Create(PyResolveClientOptions options, bool areOption)
    {
        var found = options.ApiUrls is null ? new ApiKeyStore(profile: options.Profile).FindApiUrl() : null;
        var urls = options.ApiUrls ?? found?.Urls ?? [];
        if (urls.FirstOrDefault(static url => url.Scheme == "http" && !Loopback.Is(url)) is { } url)
        {
            var origin = found?.Origin ?? (areOption ? "--api-url" : ApiKeyStore.ApiUrlVariable);
            throw CliException.Usage(
                $"{origin} would send your key unencrypted to {Loopback.ShownHost(url)}.",
                "Use https. Plain http is for a server on this machine.");
        }
        return PyResolveClient.Create(options);
    }
}
