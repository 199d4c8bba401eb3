using System.Buffers.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using PyResolve.Server.Access;
using PyResolve.Server.Http;

namespace PyResolve.Server.Identity;

internal sealed record ExternalIdentity(TrustedIssuer Issuer, string Subject, string? Email, bool EmailIsVerified, string? Name)
{
    public bool EmailIsVouchedFor => EmailIsVerified || Issuer.ConfirmsEmails;
}

/// <summary>Checks form, key, algorithm, issuer, audience and lifetime. Other claims are read only after that.</summary>
internal sealed partial class ExternalTokens(TrustedIssuers issuers, TimeProvider time, ILogger<ExternalTokens> logger)
{
    private const int MaxTokenLength = 16 * 1024;
    private const int MaxSubjectLength = 255;
    private const int MaxNameLength = 200;

    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = MaxTokenLength, MapInboundClaims = false };

    /// <summary>Whether this looks like a token, and any issuer is trusted.</summary>
    public bool Accepts(string credential) => issuers.Any && credential.AsSpan().Count('.') == 2;

    /// <exception cref="IssuerUnavailableException">The issuer's keys cannot be fetched.</exception>
    public async ValueTask<ExternalIdentity?> VerifyAsync(string token, CancellationToken cancellationToken)
    {
        if (Read(token) is not { } jwt)
            return Refuse("it is not a signed token in compact form");
        if (TokenForm.FindFault(jwt) is { } fault)
            return Refuse(fault);
        if (issuers.Find(jwt.Issuer, jwt.Alg) is not { } issuer || !issuer.Signs(jwt.Alg))
            return Refuse("its issuer or its algorithm is not configured");
        return await VerifyAsync(jwt, issuer, issuer.Audience, cancellationToken);
    }

    /// <summary>Verifies a token for the pages, from this issuer alone.</summary>
    /// <exception cref="IssuerUnavailableException">The issuer's keys cannot be fetched.</exception>
    public async ValueTask<ExternalIdentity?> VerifyAsync(
        string token, TrustedIssuer issuer, string audience, CancellationToken cancellationToken)
    {
        if (Read(token) is not { } jwt)
            return Refuse("it is not a signed token in compact form");
        if (TokenForm.FindFault(jwt) is { } fault)
            return Refuse(fault);
        return issuer.Signs(jwt.Alg)
            ? await VerifyAsync(jwt, issuer, audience, cancellationToken)
            : Refuse("its algorithm is not one of the issuer's");
    }

    private async ValueTask<ExternalIdentity?> VerifyAsync(
        JsonWebToken jwt, TrustedIssuer issuer, string audience, CancellationToken cancellationToken)
    {
        var keys = jwt.Alg == SecurityAlgorithms.HmacSha256 ? [issuer.Secret!] : await issuer.Keys!.FindAsync(jwt.Kid, cancellationToken);
        if (keys.Count == 0)
            return Refuse("its issuer publishes no such key");

        var result = await _handler.ValidateTokenAsync(jwt, new TokenValidationParameters
        {
            IssuerSigningKeys = keys,
            TryAllIssuerSigningKeys = true,
            ValidAlgorithms = [jwt.Alg],
            ValidateIssuer = !issuer.AnyIssuerName,
            ValidIssuer = issuer.Name,
            ValidAudience = audience,
            LifetimeValidator = IsCurrent,
        });
        if (!result.IsValid)
            return Refuse(ReasonOf(result.Exception));
        return IdentityOf(jwt, issuer) ?? Refuse("its subject or its role is not that of a user");
    }

    private ExternalIdentity? Refuse(string reason)
    {
        Log.Refused(logger, reason);
        return null;
    }

    // The library's messages quote the token.
    private static string ReasonOf(Exception? exception) => exception switch
    {
        SecurityTokenInvalidLifetimeException or SecurityTokenExpiredException or SecurityTokenNotYetValidException =>
            "it is expired, not valid yet, or has no end",
        SecurityTokenInvalidAudienceException => "it is for another audience",
        SecurityTokenInvalidIssuerException => "it is from another issuer",
        _ => "its signature is not one of the issuer's keys",
    };

    private JsonWebToken? Read(string token)
    {
        if (token.Length > MaxTokenLength)
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

    public bool IsCurrent(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && end + ClockSkew > now && (notBefore is not { } start || start - ClockSkew <= now);
    }

    private static ExternalIdentity? IdentityOf(JsonWebToken jwt, TrustedIssuer issuer)
    {
        using var payload = JsonDocument.Parse(Base64Url.DecodeFromChars(jwt.EncodedPayload));
        var claims = payload.RootElement;
        if (TextOf(claims, "sub", MaxSubjectLength) is not { } subject
            || (issuer.SubjectIsAccount && !Guid.TryParseExact(subject, "D", out _))
            // Supabase's keys for browsers are tokens too.
            || TextOf(claims, "role", MaxNameLength) is "anon" or "service_role")
        {
            return null;
        }

        var name = claims.TryGetProperty("user_metadata", out var metadata) ? TextOf(metadata, "name", MaxNameLength) : null;
        // Supabase's email_verified is in user_metadata, which users may write themselves: it proves nothing. No other claim says it.
        var isVerified = !issuer.SubjectIsAccount && claims.TryGetProperty("email_verified", out var verified)
            && (verified.ValueKind is JsonValueKind.True || (verified.ValueKind is JsonValueKind.String && verified.ValueEquals("true")));
        return new ExternalIdentity(
            issuer, subject, TextOf(claims, "email", EmailAddresses.MaxLength), isVerified, name ?? TextOf(claims, "name", MaxNameLength));
    }

    /// <returns>null where the text is missing, too long or has control characters.</returns>
    private static string? TextOf(JsonElement element, string member, int maxLength)
    {
        if (element.ValueKind is not JsonValueKind.Object
            || !element.TryGetProperty(member, out var value)
            || value.ValueKind is not JsonValueKind.String)
        {
            return null;
        }

        try
        {
            var text = value.GetString()!.Trim();
            return text.Length > 0 && text.Length <= maxLength && FieldErrors.IsPlainText(text) ? text : null;
        }
        catch (InvalidOperationException)
        {
            // A \u escape of half a surrogate pair.
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "A token of another service was refused: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);
    }
}
