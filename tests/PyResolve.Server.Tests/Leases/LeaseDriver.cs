using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace PyResolve.Server.Tests.Leases;

/// <summary>Servers that give leases, and a verifier from another library.</summary>
internal static class LeaseDriver
{
    public const string Machine = "build-agent-7";
    public const string PublicUrl = "https://billing.example.com";

    public static string DrawKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Convert.ToBase64String(key.ExportPkcs8PrivateKey());
    }

    /// <param name="key">Default: a new key.</param>
    public static Dictionary<string, string?> Settings(string? key = null) =>
        new() { ["PYRESOLVE_LEASE_KEY"] = key ?? DrawKey(), ["PYRESOLVE_PUBLIC_URL"] = PublicUrl };

    public static Task<OwnServer> StartAsync(StorageEngine engine, SharedServers servers, string? startAt = null) =>
        OwnServer.StartAsync(engine, servers.Postgres, startAt, Settings());

    public static Task<Answer> LeaseAsync(
        this TestAccount account, int quantity = 1, TimeSpan? length = null, string? onceKey = null, string? idempotencyKey = null) =>
        account.ReserveAsync(
            quantity,
            ttlSeconds: (int)(length ?? TimeSpan.FromHours(1)).TotalSeconds,
            onceKey: onceKey,
            idempotencyKey: idempotencyKey,
            machine: Machine);

    /// <summary>Verifies a lease with the published keys, and returns its claims.</summary>
    public static async Task<JsonWebToken> VerifyAsync(this TestServer server, string lease)
    {
        var keys = new JsonWebKeySet((await server.Anonymous.GetAsync("/.well-known/jwks.json")).Text);
        var result = await new JsonWebTokenHandler { MapInboundClaims = false }.ValidateTokenAsync(lease, new TokenValidationParameters
        {
            IssuerSigningKeys = keys.GetSigningKeys(),
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            ValidTypes = ["pyr-lease+jwt"],
            ValidIssuer = PublicUrl,
            ValidateAudience = false,
            // The test has its own clock.
            LifetimeValidator = (_, expires, _, _) => expires > server.Clock.GetUtcNow(),
        });
        return result.IsValid ? (JsonWebToken)result.SecurityToken : throw result.Exception;
    }

    public static JsonElement Claims(string lease) => JsonDocument.Parse(Base64Url.DecodeFromChars(lease.Split('.')[1])).RootElement;
}
