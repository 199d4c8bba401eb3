using System.Buffers.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using PyResolve.Server.Http;

namespace PyResolve.Server.Identity;

/// <summary>Who a token speaks of.</summary>
/// <param name="Issuer">Who says so.</param>
/// <param name="Subject">Who it is there.</param>
/// <param name="Email">What the issuer calls the address; <see langword="null"/> where the token names none.</param>
/// <param name="EmailIsVerified">Whether the issuer vouches that the address is the subject's.</param>
/// <param name="Name">What the subject is called.</param>
internal sealed record ExternalIdentity(TrustedIssuer Issuer, string Subject, string? Email, bool EmailIsVerified, string? Name);

/// <summary>Checks the signed tokens of trusted issuers: key, algorithm, issuer, audience, time; everything else is read only after.</summary>
internal sealed class ExternalTokens(TrustedIssuers issuers, TimeProvider time)
{
    private const int LongestToken = 16 * 1024;
    private const int LongestSubject = 255;
    private const int LongestName = 200;

    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = LongestToken, MapInboundClaims = false };

    /// <summary>Whether this is meant to be such a token, and there is anybody who could have issued it.</summary>
    public bool Accepts(string credential) => issuers.Any && credential.AsSpan().Count('.') == 2;

    /// <returns><see langword="null"/> for a token that is not to be trusted, for whatever reason.</returns>
    /// <exception cref="IssuerUnavailableException">Its issuer's keys cannot be had.</exception>
    public async ValueTask<ExternalIdentity?> VerifyAsync(string token, CancellationToken cancellationToken)
    {
        if (Read(token) is not { } jwt || issuers.Find(jwt.Issuer, jwt.Alg) is not { } issuer || !issuer.Signs(jwt.Alg))
            return null;
        var keys = jwt.Alg == SecurityAlgorithms.HmacSha256 ? [issuer.Secret!] : await issuer.Keys!.FindAsync(jwt.Kid, cancellationToken);
        if (keys.Count == 0)
            return null;

        var result = await _handler.ValidateTokenAsync(jwt, new TokenValidationParameters
        {
            IssuerSigningKeys = keys,
            TryAllIssuerSigningKeys = true,
            ValidAlgorithms = [jwt.Alg],
            ValidateIssuer = !issuer.AnyIssuerName,
            ValidIssuer = issuer.Name,
            ValidAudience = issuer.Audience,
            LifetimeValidator = IsCurrent,
        });
        return result.IsValid ? IdentityOf(jwt, issuer) : null;
    }

    private JsonWebToken? Read(string token)
    {
        if (token.Length > LongestToken)
            return null;
        try
        {
            return _handler.ReadJsonWebToken(token);
        }
        catch (Exception exception) when (exception is ArgumentException or SecurityTokenException or FormatException or JsonException)
        {
            return null;
        }
    }

    private bool IsCurrent(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && end + ClockSkew > now && (notBefore is not { } start || start - ClockSkew <= now);
    }

    private static ExternalIdentity? IdentityOf(JsonWebToken jwt, TrustedIssuer issuer)
    {
        using var payload = JsonDocument.Parse(Base64Url.DecodeFromChars(jwt.EncodedPayload));
        var claims = payload.RootElement;
        if (TextOf(claims, "sub", LongestSubject) is not { } subject || (issuer.SubjectIsAccount && !Guid.TryParseExact(subject, "D", out _)))
            return null;
        var name = claims.TryGetProperty("user_metadata", out var metadata) ? TextOf(metadata, "name", LongestName) : null;
        // What Supabase's users may write about themselves proves nothing, and Supabase has no such claim outside of that.
        var isVerified = !issuer.SubjectIsAccount && claims.TryGetProperty("email_verified", out var verified)
            && (verified.ValueKind is JsonValueKind.True || (verified.ValueKind is JsonValueKind.String && verified.ValueEquals("true")));
        return new ExternalIdentity(issuer, subject, TextOf(claims, "email", Accounts.EmailAddresses.Longest), isVerified, name ?? TextOf(claims, "name", LongestName));
    }

    /// <summary>Text that may be kept: of a sane length, without control characters.</summary>
    private static string? TextOf(JsonElement element, string member, int longest)
    {
        if (element.ValueKind is not JsonValueKind.Object || !element.TryGetProperty(member, out var value) || value.ValueKind is not JsonValueKind.String)
            return null;
        try
        {
            return value.GetString()!.Trim() is { Length: > 0 } text && text.Length <= longest && FieldErrors.IsPlainText(text) ? text : null;
        }
        catch (InvalidOperationException)
        {
            // A \u escape that is half a character.
            return null;
        }
    }
}
