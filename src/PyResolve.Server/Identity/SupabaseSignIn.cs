using System.Buffers.Text;
using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using PyResolve.Server.Accounts;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;

namespace PyResolve.Server.Identity;

/// <summary>
/// Signs people in by Supabase Auth's own way for servers: a provider's page by a code with PKCE, or a password that is passed on and kept
/// nowhere. It has no state: the verifier in the cookie ties the code to the browser.
/// </summary>
internal sealed partial class SupabaseSignIn(
    SignInClients clients, EncryptionKeys encryption, ExternalTokens tokens, PublicUrl publicUrl, TimeProvider time,
    ILogger<SupabaseSignIn> logger) : IDisposable
{
    private const string Name = "Supabase";
    private const string Purpose = "sign-in with Supabase";
    private const int MaxAnswerBytes = 1024 * 1024;

    private static readonly TimeSpan MaxStay = TimeSpan.FromMinutes(15);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = TimeSpan.FromSeconds(10), MaxResponseContentBufferSize = MaxAnswerBytes,
    };

    private SupabaseClient Client => clients.Supabase!;

    /// <returns>The address of Supabase that leads to the provider and back.</returns>
    public string Begin(HttpContext http, SupabaseProvider provider, string next)
    {
        var verifier = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var expiresAt = time.GetUtcNow() + MaxStay;
        var carried = string.Create(CultureInfo.InvariantCulture, $"{expiresAt.ToUnixTimeSeconds()} {provider.Key} {verifier} {next}");
        var cookie = Base64Url.EncodeToString(encryption.Seal(Encoding.UTF8.GetBytes(carried), Purpose));
        http.Response.Cookies.Append(CookieName, cookie, Cookie(expiresAt));
        return QueryHelpers.AddQueryString($"{Client.Url}/authorize", new Dictionary<string, string?>
        {
            ["provider"] = provider.Id,
            ["redirect_to"] = $"{publicUrl.Value}/{provider.ReturnPath}",
            ["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))),
            ["code_challenge_method"] = "s256",
        });
    }

    public async Task<SignInReturn> FinishAsync(HttpContext http, SupabaseProvider provider)
    {
        var carried = ReadCarried(http, provider);
        http.Response.Cookies.Delete(CookieName, Cookie(expiresAt: null));
        if (carried is not { } way || http.Request.Query["code"].ToString() is not { Length: > 0 and <= 1000 } code)
        {
            var isDenied = http.Request.Query.ContainsKey("error");
            return Failed(isDenied ? OidcProblems.Denied(provider.Name) : OidcProblems.NotCompleted(provider.Name));
        }

        var answer = await CallAsync(
            "pkce",
            JsonContent.Create(new SupabaseCode(code, way.Verifier), SupabaseJson.Default.SupabaseCode),
            OidcProblems.NotCompleted(provider.Name),
            http.RequestAborted);
        return answer with { Next = way.Next };
    }

    public Task<SignInReturn> TryPasswordAsync(string email, string password, CancellationToken cancellationToken) => CallAsync(
        "password",
        JsonContent.Create(new SupabasePassword(email, password), SupabaseJson.Default.SupabasePassword),
        AccountProblems.WrongLogin,
        cancellationToken);

    public void Dispose() => _http.Dispose();

    private static SignInReturn Failed(ProblemResult problem) => new(Identity: null, Next: null, problem);

    private async Task<SignInReturn> CallAsync(
        string grant, HttpContent content, ProblemResult refused, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{Client.Url}/token?grant_type={grant}"));
            request.Content = content;
            request.Headers.TryAddWithoutValidation("apikey", Client.AnonKey);
            using var response = await _http.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                Log.Refused(logger, grant, (int)response.StatusCode);
                return Failed((int)response.StatusCode is 400 or 401 or 403 or 422 ? refused : OidcProblems.Unavailable(Name));
            }

            var answer = await response.Content.ReadFromJsonAsync(SupabaseJson.Default.SupabaseTokens, cancellationToken);
            var identity = answer?.AccessToken is { } token ? await tokens.VerifyAsync(token, cancellationToken) : null;
            return identity is { Issuer.SubjectIsAccount: true }
                ? new SignInReturn(identity, Next: null, Problem: null)
                : Failed(refused);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested
            && (OidcProblems.IsOutOfReach(exception) || exception is JsonException or IssuerUnavailableException))
        {
            Log.Unavailable(logger, grant, exception.GetType().Name);
            return Failed(OidcProblems.Unavailable(Name));
        }
    }

    private (string Verifier, string Next)? ReadCarried(HttpContext http, SupabaseProvider provider)
    {
        if (http.Request.Cookies[CookieName] is not { Length: > 0 } cookie || !Base64Url.IsValid(cookie)
            || encryption.Unseal(Base64Url.DecodeFromChars(cookie), Purpose) is not { } carried
            || Encoding.UTF8.GetString(carried).Split(' ') is not [var expiresAt, var key, var verifier, var next])
            return null;
        return key == provider.Key && long.Parse(expiresAt, CultureInfo.InvariantCulture) > time.GetUtcNow().ToUnixTimeSeconds()
            ? (verifier, next)
            : null;
    }

    private bool IsSecure => publicUrl.Value.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    private string CookieName => IsSecure ? "__Host-pyr_supabase" : "pyr_supabase";

    private CookieOptions Cookie(DateTimeOffset? expiresAt) => new()
    {
        HttpOnly = true, Secure = IsSecure, SameSite = SameSiteMode.Lax, Path = "/", Expires = expiresAt, IsEssential = true,
    };

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Supabase refused a sign-in ({Grant}) with status {Status}")]
        public static partial void Refused(ILogger logger, string grant, int status);

        [LoggerMessage(2, LogLevel.Warning, "Supabase did not answer a sign-in ({Grant}): {Type}")]
        public static partial void Unavailable(ILogger logger, string grant, string type);
    }
}
