using System.Net;
using System.Text.Json;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Doctor;

/// <summary>
/// Whether the public address leads to a server of this version, through a proxy that says who asks, and whether issuers of tokens answer.
/// </summary>
internal sealed class ReachCheck(ServerOptions options, IConfiguration configuration, ProxyCheck proxy, ProxyProbe probe) : IDisposable
{
    private const string AboutAddress = "Address";
    private const int MaxBytes = 1024 * 1024;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        Timeout = Timeout, MaxResponseContentBufferSize = MaxBytes,
    };

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        var findings = new List<Finding>();
        if (options.PublicUrl is { } url)
        {
            var address = await CheckAddressAsync(url, cancellationToken);
            findings.Add(address);
            if (proxy.IsNeeded)
            {
                findings.Add(address.State is HealthState.Good
                    ? await CheckProxyAsync(url, cancellationToken)
                    : ProxyCheck.NotTested("That needs a server of this version at the public address.", url));
            }
        }

        foreach (var (setting, issuer, keys) in Issuers())
            findings.Add(await CheckIssuerAsync(setting, issuer, keys, cancellationToken));
        return findings;
    }

    public void Dispose() => _http.Dispose();

    private async Task<Finding> CheckAddressAsync(Uri url, CancellationToken cancellationToken)
    {
        var (status, text, failure) = await GetAsync(url, cancellationToken);
        if (failure is HttpRequestError.NameResolutionError)
        {
            return new(
                AboutAddress, HealthState.Bad, $"The name {url.Host} of PYRESOLVE_PUBLIC_URL is not known to this machine.",
                "Correct PYRESOLVE_PUBLIC_URL, or add the name to DNS.");
        }

        if (failure is HttpRequestError.SecureConnectionError)
        {
            return new(
                AboutAddress, HealthState.Bad, $"No valid certificate is shown at {url}",
                "Give the proxy a certificate for that name, from an issuer that this machine trusts.");
        }

        if (status is null)
        {
            return new(
                AboutAddress, HealthState.Look, $"Nothing answers at {url}",
                "Start the server and its proxy, then run doctor again.");
        }

        if (VersionIn(text) is not { } version)
        {
            return new(
                AboutAddress, HealthState.Bad,
                $"At {url} answers another program, or a proxy that does not reach the server (status {status}).",
                "Correct PYRESOLVE_PUBLIC_URL, or where the proxy leads to.");
        }

        return version == ServerVersion.Current
            ? new(AboutAddress, HealthState.Good, $"A server answers at {url}")
            : new(
                AboutAddress, HealthState.Look,
                $"The server at {url} has the version {version}; this program has {ServerVersion.Current}.",
                "Finish the upgrade of every server.");
    }

    private async Task<Finding> CheckProxyAsync(Uri url, CancellationToken cancellationToken)
    {
        if (!probe.HasKey)
        {
            return ProxyCheck.NotTested(
                $"The server is asked by means of its encryption key, and there is none yet. {EncryptionKeys.Setting} sets one.", url);
        }

        try
        {
            if (await AskAsync(url, forged: null, cancellationToken) is not { } seen)
                return ProxyCheck.NotTested($"The server at {url} has another {EncryptionKeys.Setting}, or none, or cannot read it.", url);
            return proxy.ClientAddressHeader is { } header && await TakesForgedAsync(url, header, cancellationToken)
                ? ProxyCheck.ForgedIsTaken(header, url)
                : proxy.Describe(seen, url);
        }
        catch (Exception exception) when (exception is InvalidOperationException or InvalidConfigurationException
            or IOException or UnauthorizedAccessException)
        {
            return ProxyCheck.NotTested($"The server is asked by means of its {EncryptionKeys.Setting}: {exception.Message}", url);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested
            && exception is HttpRequestException or OperationCanceledException)
        {
            return ProxyCheck.NotTested($"{url} does not answer any more.", url);
        }
    }

    private async Task<bool> TakesForgedAsync(Uri url, string header, CancellationToken cancellationToken)
    {
        try
        {
            return (await AskAsync(url, header, cancellationToken))?.Address == ProxyCheck.ForgedAddress;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested
            && exception is HttpRequestException or OperationCanceledException)
        {
            // Some networks refuse requests that have their header.
            return false;
        }
    }

    /// <param name="url">Where people reach the server.</param>
    /// <param name="forged">A header that names another address than this machine's.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>null: what answers cannot read the question.</returns>
    private async Task<SeenRequest?> AskAsync(Uri url, string? forged, CancellationToken cancellationToken)
    {
        var (carried, question) = probe.Ask();
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.Add(ProxyProbe.Header, carried);
        if (forged is not null)
            request.Headers.TryAddWithoutValidation(forged, ProxyCheck.ForgedAddress);
        using var answer = await _http.SendAsync(request, cancellationToken);
        return answer.Headers.TryGetValues(ProxyProbe.Header, out var values) ? probe.Read(values.First(), question) : null;
    }

    private async Task<Finding> CheckIssuerAsync(string setting, string issuer, Uri keys, CancellationToken cancellationToken)
    {
        var (status, _, _) = await GetAsync(keys, cancellationToken);
        return status == (int)HttpStatusCode.OK
            ? new("Sign-in", HealthState.Good, $"{issuer} publishes its keys.")
            : new(
                "Sign-in", HealthState.Bad,
                $"{keys} {(status is { } code ? $"is answered {code}" : "is not answered")}: nobody can sign in through {issuer}.",
                $"Correct {setting}, or let this machine reach it.");
    }

    private IEnumerable<(string Setting, string Issuer, Uri Keys)> Issuers()
    {
        if (ServerOptions.Url(configuration, "SUPABASE_URL") is { } supabase)
            yield return ("SUPABASE_URL", supabase.Host, new Uri($"{supabase.ToString().TrimEnd('/')}/auth/v1/.well-known/jwks.json"));
        foreach (var section in configuration.GetSection("PyResolve:Oidc").GetChildren())
        {
            if (section["Issuer"] is not { } issuer || !Uri.TryCreate(issuer, UriKind.Absolute, out var url))
                continue;
            var keys = section["JwksUrl"] ?? $"{issuer.TrimEnd('/')}/.well-known/openid-configuration";
            // Another form is a wrong setting, which ends the start.
            if (Uri.TryCreate(keys, UriKind.Absolute, out var address))
                yield return ($"{section.Path}:Issuer", url.Host, address);
        }
    }

    private async Task<(int? Status, string Text, HttpRequestError? Failure)> GetAsync(Uri url, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            request.Headers.Accept.ParseAdd("application/json");
            using var answer = await _http.SendAsync(request, cancellationToken);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(cancellationToken), null);
        }
        catch (HttpRequestException exception)
        {
            return (null, "", exception.HttpRequestError);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, "", HttpRequestError.ConnectionError);
        }
    }

    private static string? VersionIn(string text)
    {
        try
        {
            using var body = JsonDocument.Parse(text);
            return body.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("service", out var service) && service.ValueEquals("PyResolve API")
                && root.TryGetProperty("version", out var version)
                    ? version.GetString()
                    : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
