using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace PyResolve.Server.Tests.Identity;

/// <summary>
/// A service that issues tokens: it publishes its keys over real HTTP, as Supabase Auth and as an OpenID issuer, and signs by the
/// framework's primitives alone. Thread-safe.
/// </summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TestClock _clock;
    private int _fetches;

    private TestIssuer(WebApplication app, TestClock clock)
    {
        _app = app;
        _clock = clock;
    }

    public string Url => _app.Urls.Single();

    /// <summary>The <c>iss</c> of Supabase's tokens.</summary>
    public string SupabaseIssuer => Url + "/auth/v1";

    public bool IsDown { get; set; }

    /// <summary>How often keys were fetched.</summary>
    public int Fetches => Volatile.Read(ref _fetches);

    public IssuerKey Key { get; private set; } = IssuerKey.Ec("first");

    /// <summary>Its pages for people, and how it answers there.</summary>
    public TestSignIn SignIn { get; private set; } = null!;

    /// <summary>The same for Supabase.</summary>
    public TestSupabase Supabase { get; private set; } = null!;

    /// <remarks>In Development, where SQLite may stand beside Supabase.</remarks>
    public Dictionary<string, string?> SupabaseSettings => new() { ["environment"] = "Development", ["SUPABASE_URL"] = Url };

    public Dictionary<string, string?> OidcSettings =>
        new() { ["PyResolve:Oidc:0:Issuer"] = Url, ["PyResolve:Oidc:0:Audience"] = "pyresolve" };

    /// <summary>As <see cref="OidcSettings"/>, with a button on the pages.</summary>
    public Dictionary<string, string?> SignInSettings => new(OidcSettings)
    {
        ["PyResolve:Oidc:0:Name"] = "Example Login",
        ["PyResolve:Oidc:0:ClientId"] = TestSignIn.ClientId,
        ["PyResolve:Oidc:0:ClientSecret"] = TestSignIn.ClientSecret,
    };

    public static async Task<TestIssuer> StartAsync(TestClock clock)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = ["--urls=http://127.0.0.1:0"] });
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var issuer = new TestIssuer(app, clock);
        app.MapGet("/auth/v1/.well-known/jwks.json", (RequestDelegate)issuer.AnswerKeysAsync);
        app.MapGet("/keys", (RequestDelegate)issuer.AnswerKeysAsync);
        app.MapGet("/.well-known/openid-configuration", (RequestDelegate)(http => http.Response.WriteAsync(
            $$"""
            {"issuer":"{{issuer.Url}}","jwks_uri":"{{issuer.Url}}/keys","authorization_endpoint":"{{issuer.Url}}/authorize",
             "token_endpoint":"{{issuer.Url}}/token"}
            """)));
        issuer.SignIn = new TestSignIn(issuer);
        issuer.SignIn.Map(app);
        issuer.Supabase = new TestSupabase(issuer);
        issuer.Supabase.Map(app);
        await app.StartAsync();
        return issuer;
    }

    /// <summary>From now on signs with another key and publishes only that one.</summary>
    public void Rotate(IssuerKey key) => Key = key;

    /// <summary>Supabase's claims about a user, with a test's changes; null removes a claim.</summary>
    public JsonObject SupabaseClaims(Guid user, params (string Name, JsonNode? Value)[] changes) => Change(
        new JsonObject
        {
            ["iss"] = SupabaseIssuer,
            ["aud"] = "authenticated",
            ["sub"] = user.ToString(),
            ["email"] = $"user-{user}@example.com",
            ["role"] = "authenticated",
            ["iat"] = At(TimeSpan.Zero),
            ["exp"] = At(TimeSpan.FromHours(1)),
            ["user_metadata"] = new JsonObject { ["name"] = "Ada Lovelace" },
        },
        changes);

    public JsonObject OidcClaims(string subject, params (string Name, JsonNode? Value)[] changes) => Change(
        new JsonObject
        {
            ["iss"] = Url,
            ["aud"] = "pyresolve",
            ["sub"] = subject,
            ["email"] = "grace@example.com",
            ["email_verified"] = true,
            ["exp"] = At(TimeSpan.FromHours(1)),
        },
        changes);

    public long At(TimeSpan fromNow) => (_clock.GetUtcNow() + fromNow).ToUnixTimeSeconds();

    public string Sign(JsonObject claims) => Key.Sign(claims);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static JsonObject Change(JsonObject claims, (string Name, JsonNode? Value)[] changes)
    {
        foreach (var (name, value) in changes)
        {
            if (value is null)
                claims.Remove(name);
            else
                claims[name] = value;
        }

        return claims;
    }

    private Task AnswerKeysAsync(HttpContext http)
    {
        Interlocked.Increment(ref _fetches);
        http.Response.StatusCode = IsDown ? 503 : 200;
        return http.Response.WriteAsync(IsDown ? "down" : new JsonObject { ["keys"] = new JsonArray(Key.Published()) }.ToJsonString());
    }
}

/// <summary>A signing key of an issuer.</summary>
/// <param name="Id">Its <c>kid</c>.</param>
/// <param name="Algorithm">Its <c>alg</c>.</param>
/// <param name="Signer">Signs bytes.</param>
/// <param name="Published">Its public half as a JSON web key.</param>
internal sealed record IssuerKey(string Id, string Algorithm, Func<byte[], byte[]> Signer, Func<JsonObject> Published)
{
    public static IssuerKey Ec(string id)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return new IssuerKey(id, "ES256", bytes => key.SignData(bytes, HashAlgorithmName.SHA256), () => new JsonObject
        {
            ["kty"] = "EC", ["crv"] = "P-256", ["use"] = "sig", ["alg"] = "ES256", ["kid"] = id,
            ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y),
        });
    }

    public static IssuerKey Rsa(string id, int bits = 2048)
    {
        var key = RSA.Create(bits);
        var numbers = key.ExportParameters(includePrivateParameters: false);
        return new IssuerKey(
            id, "RS256", bytes => key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), () => new JsonObject
        {
            ["kty"] = "RSA", ["use"] = "sig", ["alg"] = "RS256", ["kid"] = id,
            ["n"] = Base64Url.EncodeToString(numbers.Modulus), ["e"] = Base64Url.EncodeToString(numbers.Exponent),
        });
    }

    /// <summary>A shared secret, which is published only if a test asks for it.</summary>
    public static IssuerKey Hmac(string id, byte[] secret) =>
        new(id, "HS256", bytes => HMACSHA256.HashData(secret, bytes), () => new JsonObject
    {
        ["kty"] = "oct", ["kid"] = id, ["alg"] = "HS256", ["k"] = Base64Url.EncodeToString(secret),
    });

    public static IssuerKey None { get; } = new("", "none", static _ => [], static () => []);

    /// <param name="claims">The payload.</param>
    /// <param name="changes">Members that the header has besides, or instead.</param>
    public string Sign(JsonObject claims, params (string Name, JsonNode? Value)[] changes) => SignText(claims.ToJsonString(), changes);

    public string SignText(string payload, params (string Name, JsonNode? Value)[] changes)
    {
        var header = new JsonObject { ["alg"] = Algorithm, ["typ"] = "JWT", ["kid"] = Id };
        foreach (var (name, value) in changes)
            header[name] = value;
        var signed = $"{Encode(header.ToJsonString())}.{Encode(payload)}";
        return $"{signed}.{Base64Url.EncodeToString(Signer(Encoding.UTF8.GetBytes(signed)))}";
    }

    private static string Encode(string part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part));
}
