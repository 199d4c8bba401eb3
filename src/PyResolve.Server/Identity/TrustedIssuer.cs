using System.Text;
using Microsoft.IdentityModel.Tokens;
using PyResolve.Client;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Identity;

/// <summary>A service whose tokens are accepted as sessions.</summary>
internal sealed record TrustedIssuer
{
    /// <summary>Identifies the issuer in stored identities. Also the token's <c>iss</c>, unless <see cref="AnyIssuerName"/>.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Whether tokens of any <c>iss</c> are accepted: Supabase, configured only by its secret, which alone identifies the issuer.
    /// </summary>
    public bool AnyIssuerName { get; init; }

    public required string Audience { get; init; }

    /// <summary>Whether the subject is the id of an account, as with Supabase, whose users are the accounts of the store.</summary>
    public bool SubjectIsAccount { get; init; }

    /// <summary>Whether every address in its tokens was confirmed, although no claim says so.</summary>
    public bool ConfirmsEmails { get; init; }

    /// <summary>The secret for HS256; null: it is not accepted.</summary>
    public SymmetricSecurityKey? Secret { get; init; }

    /// <summary>The published keys for RS256 and ES256; null: these are not accepted.</summary>
    public SigningKeys? Keys { get; init; }

    // HS256 is only checked with the secret, the others only with published keys: a public key is never used as a secret.
    public bool Signs(string algorithm) => algorithm switch
    {
        SecurityAlgorithms.HmacSha256 => Secret is not null,
        SecurityAlgorithms.RsaSha256 or SecurityAlgorithms.EcdsaSha256 => Keys is not null,
        _ => false,
    };
}

internal sealed class TrustedIssuers(IReadOnlyList<TrustedIssuer> issuers)
{
    private const string SupabaseAudience = "authenticated";
    private const string SupabaseName = "supabase";
    private const int MinSecretLength = 32;

    public bool Any => issuers.Count > 0;

    public TrustedIssuer Named(string name) => issuers.First(issuer => issuer.Name == name);

    public TrustedIssuer? Find(string? iss, string algorithm) =>
        issuers.FirstOrDefault(issuer => !issuer.AnyIssuerName && issuer.Name == iss)
        ?? issuers.FirstOrDefault(issuer => issuer.AnyIssuerName && issuer.Signs(algorithm));

    /// <exception cref="InvalidConfigurationException">The settings cannot work.</exception>
    public static TrustedIssuers Read(IConfiguration configuration, KeyFetcher fetcher)
    {
        var issuers = new List<TrustedIssuer>();
        if (ReadSupabase(configuration, fetcher) is { } supabase)
            issuers.Add(supabase);
        foreach (var section in configuration.GetSection("PyResolve:Oidc").GetChildren())
        {
            var issuer = ReadOidc(configuration, section.Path, fetcher);
            if (issuers.Exists(other => other.Name == issuer.Name))
                throw new InvalidConfigurationException($"{section.Path}:Issuer is '{issuer.Name}', which is configured already.");
            issuers.Add(issuer);
        }

        return new TrustedIssuers(issuers);
    }

    private static TrustedIssuer? ReadSupabase(IConfiguration configuration, KeyFetcher fetcher)
    {
        var url = ServerOptions.Url(configuration, "SUPABASE_URL");
        var secret = ServerOptions.Text(configuration, "SUPABASE_JWT_SECRET");
        if (url is null && secret is null)
            return null;
        if (secret is not null && Encoding.UTF8.GetByteCount(secret) < MinSecretLength)
        {
            throw new InvalidConfigurationException(
                $"SUPABASE_JWT_SECRET is shorter than {MinSecretLength} characters: "
                + "copy it from the Supabase dashboard (Settings, JWT keys).");
        }

        var issuer = url is null ? null : Secure(url, "SUPABASE_URL").ToString().TrimEnd('/') + "/auth/v1";
        return new TrustedIssuer
        {
            Name = issuer ?? SupabaseName,
            AnyIssuerName = issuer is null,
            Audience = SupabaseAudience,
            SubjectIsAccount = true,
            ConfirmsEmails = ServerOptions.Flag(configuration, "PyResolve:Supabase:ConfirmsEmails", fallback: false),
            Secret = secret is null ? null : new SymmetricSecurityKey(Encoding.UTF8.GetBytes(secret)),
            Keys = issuer is null ? null : fetcher.KeysAt(new Uri(issuer + "/.well-known/jwks.json")),
        };
    }

    private static TrustedIssuer ReadOidc(IConfiguration configuration, string path, KeyFetcher fetcher)
    {
        var issuer = ServerOptions.Text(configuration, path + ":Issuer")
            ?? throw new InvalidConfigurationException($"{path}:Issuer is missing.");
        var audience = ServerOptions.Text(configuration, path + ":Audience")
            ?? throw new InvalidConfigurationException(
                $"{path}:Audience is missing: without it, tokens for other services would be accepted here.");
        _ = Secure(ServerOptions.Url(configuration, path + ":Issuer")!, path + ":Issuer");
        return new TrustedIssuer
        {
            Name = issuer,
            Audience = audience,
            Keys = ServerOptions.Url(configuration, path + ":JwksUrl") is { } keys
                ? fetcher.KeysAt(Secure(keys, path + ":JwksUrl"))
                : fetcher.KeysOf(issuer),
        };
    }

    private static Uri Secure(Uri url, string name) => IsSecure(url)
        ? url
        : throw new InvalidConfigurationException($"{name} is '{url}': keys that come over plain http could be forged. Use https.");

    public static bool IsSecure(Uri url) => url.Scheme == Uri.UriSchemeHttps || Loopback.Is(url);
}
