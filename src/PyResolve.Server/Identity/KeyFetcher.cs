using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace PyResolve.Server.Identity;

internal sealed class KeyFetcher(TimeProvider time, ILogger<KeyFetcher> logger) : IDisposable
{
    /// <summary>The smallest RSA key that RFC 7518, 3.3, allows.</summary>
    private const int MinRsaBits = 2048;

    private const int MaxAnswerBytes = 1024 * 1024;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = TimeSpan.FromSeconds(5),
        MaxResponseContentBufferSize = MaxAnswerBytes,
    };

    public SigningKeys KeysAt(Uri url) => new(url.ToString(), () => FetchAsync(url), time, logger);

    public SigningKeys KeysOf(string issuer) => new(issuer, async () => await FetchAsync(await DiscoverAsync(issuer)), time, logger);

    public void Dispose() => _http.Dispose();

    private async Task<Uri> DiscoverAsync(string issuer)
    {
        var configuration = new Uri(issuer.TrimEnd('/') + "/.well-known/openid-configuration");
        using var document = JsonDocument.Parse(await _http.GetByteArrayAsync(configuration));
        if (document.RootElement.GetProperty("issuer").GetString() != issuer)
            throw new InvalidOperationException("its OpenID configuration names another issuer");
        var url = new Uri(document.RootElement.GetProperty("jwks_uri").GetString()!);
        return TrustedIssuers.IsSecure(url) ? url : throw new InvalidOperationException("its keys are not served over https");
    }

    // Only public keys: a published symmetric key is no secret.
    private async Task<IReadOnlyList<SecurityKey>> FetchAsync(Uri url)
    {
        var published = new JsonWebKeySet(await _http.GetStringAsync(url));
        return [.. published.GetSigningKeys().Where(static key => key is RsaSecurityKey { KeySize: >= MinRsaBits } or ECDsaSecurityKey)];
    }
}
