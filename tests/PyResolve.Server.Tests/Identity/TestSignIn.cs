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

/// <summary>
/// The issuer's authorization code flow, as RFC 6749 and RFC 7636 have it: a code works once, for the client, address and challenge that it
/// was made for. Whoever comes is <see cref="Subject"/>. Thread-safe.
/// </summary>
internal sealed class TestSignIn(TestIssuer issuer)
{
    public const string ClientId = "pages";
    public const string ClientSecret = "a secret of the pages";

    private readonly ConcurrentDictionary<string, Grant> _codes = new();

    public string Subject { get; set; } = "grace";

    /// <summary>Claims that its tokens have besides, or instead; null removes one.</summary>
    public IReadOnlyList<(string Name, JsonNode? Value)> Changes { get; set; } = [];

    /// <summary>Signs instead of the issuer.</summary>
    public Func<JsonObject, string>? Sign { get; set; }

    /// <summary>The person presses Cancel.</summary>
    public bool IsDenied { get; set; }

    /// <summary>What the browser brought last.</summary>
    public IReadOnlyDictionary<string, string> Asked { get; private set; } = new Dictionary<string, string>();

    /// <summary>Of each call for a token, why it was refused; empty: it was not.</summary>
    public ConcurrentQueue<string> Exchanges { get; } = [];

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/authorize", (RequestDelegate)AuthorizeAsync);
        app.MapPost("/token", (RequestDelegate)ExchangeAsync);
    }

    private Task AuthorizeAsync(HttpContext http)
    {
        var asked = http.Request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString());
        Asked = asked;
        var back = new Dictionary<string, string?> { ["state"] = asked["state"] };
        if (IsDenied)
        {
            back["error"] = "access_denied";
            back["error_description"] = "<b>Call +1 555 0100</b>";
        }
        else
        {
            back["code"] = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
            _codes[back["code"]!] = new Grant(asked["redirect_uri"], asked["code_challenge"], asked["nonce"], Subject);
        }

        http.Response.Redirect(QueryHelpers.AddQueryString(asked["redirect_uri"], back));
        return Task.CompletedTask;
    }

    private async Task ExchangeAsync(HttpContext http)
    {
        var form = await http.Request.ReadFormAsync();
        if (issuer.IsDown)
        {
            http.Response.StatusCode = 503;
            return;
        }

        var refusal = FindRefusal(form, out var grant);
        Exchanges.Enqueue(refusal);
        http.Response.ContentType = "application/json";
        http.Response.StatusCode = refusal.Length == 0 ? 200 : 400;
        var answer = refusal.Length == 0
            ? new JsonObject { ["token_type"] = "Bearer", ["access_token"] = "opaque", ["id_token"] = TokenOf(grant!) }
            : new JsonObject { ["error"] = "invalid_grant", ["error_description"] = refusal };
        await http.Response.WriteAsync(answer.ToJsonString());
    }

    private string FindRefusal(IFormCollection form, out Grant? grant)
    {
        if (!_codes.TryRemove(form["code"].ToString(), out grant))
            return "the code is unknown or was used";
        if (form["client_id"] != ClientId || form["client_secret"] != ClientSecret)
            return "the client is another";
        if (form["redirect_uri"] != grant.RedirectUri)
            return "the address is another";
        var verifier = SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString()));
        return Base64Url.EncodeToString(verifier) == grant.Challenge ? "" : "the verifier is wrong";
    }

    private string TokenOf(Grant grant)
    {
        var claims = issuer.OidcClaims(
            grant.Subject, [("aud", ClientId), ("nonce", grant.Nonce), ("iat", issuer.At(TimeSpan.Zero)), .. Changes]);
        return Sign is { } sign ? sign(claims) : issuer.Sign(claims);
    }

    private sealed record Grant(string RedirectUri, string Challenge, string Nonce, string Subject);
}
