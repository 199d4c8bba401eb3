using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;

namespace PyResolve.Server.Tests.Identity;

/// <summary>Supabase Auth's pages and tokens for one user, as its server has them. Thread-safe.</summary>
internal sealed class TestSupabase(TestIssuer issuer)
{
    public const string AnonKey = "anon";
    public const string Password = "a password that Supabase keeps";

    private readonly ConcurrentDictionary<string, string> _challenges = new();

    /// <summary>The user who signs in.</summary>
    public Guid User { get; } = new("11111111-2222-4333-8444-555555555555");

    public string Email => $"user-{User}@example.com";

    public IReadOnlyDictionary<string, string> Asked { get; private set; } = new Dictionary<string, string>();

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/auth/v1/authorize", (RequestDelegate)AuthorizeAsync);
        app.MapPost("/auth/v1/token", (RequestDelegate)ExchangeAsync);
    }

    private Task AuthorizeAsync(HttpContext http)
    {
        Asked = http.Request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString());
        var code = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        _challenges[code] = Asked["code_challenge"];
        http.Response.Redirect(QueryHelpers.AddQueryString(Asked["redirect_to"], "code", code));
        return Task.CompletedTask;
    }

    private async Task ExchangeAsync(HttpContext http)
    {
        var sent = (await JsonNode.ParseAsync(http.Request.Body))!;
        var isRight = http.Request.Headers["apikey"] == AnonKey && http.Request.Query["grant_type"].ToString() switch
        {
            "password" => (string?)sent["email"] == Email && (string?)sent["password"] == Password,
            "pkce" => _challenges.TryRemove((string)sent["auth_code"]!, out var challenge)
                && Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes((string)sent["code_verifier"]!))) == challenge,
            _ => false,
        };
        http.Response.StatusCode = issuer.IsDown ? 503 : isRight ? 200 : 400;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(isRight && !issuer.IsDown
            ? new JsonObject { ["access_token"] = issuer.Sign(issuer.SupabaseClaims(User)), ["token_type"] = "bearer" }.ToJsonString()
            : """{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}""");
    }
}
