using System.Buffers.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;

namespace PyResolve.Server.Identity;

/// <summary>Refuses what may not be in a token, even with a valid signature: the library ignores what it does not know.</summary>
internal static class TokenForm
{
    private static readonly string[] Instants = ["exp", "nbf", "iat"];

    /// <returns>Why the token is refused; null where it is not.</returns>
    public static string? FindFault(JsonWebToken token)
    {
        try
        {
            using var header = Parse(token.EncodedHeader);
            using var payload = Parse(token.EncodedPayload);
            return FindFault(header.RootElement) ?? FindPayloadFault(payload.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            return "its header or its claims are not well-formed JSON, or have a name twice";
        }
    }

    private static string? FindFault(JsonElement header)
    {
        // RFC 7515, 4.1.11: an extension that is not understood is refused; none is understood here.
        if (header.TryGetProperty("crit", out _))
            return "its header has critical extensions (crit)";
        if (header.TryGetProperty("b64", out var encoded) && encoded.ValueKind is not JsonValueKind.True)
            return "its payload is not encoded (b64)";
        if (header.TryGetProperty("zip", out _))
            return "it is compressed (zip)";
        if (header.TryGetProperty("enc", out _))
            return "it is encrypted (enc)";
        // RFC 8725, 3.11: tokens of one kind, such as our leases, must not be taken for another.
        return header.TryGetProperty("typ", out var type) && !IsKnownType(type) ? "its type (typ) is not JWT or at+jwt" : null;
    }

    private static bool IsKnownType(JsonElement type) =>
        type.ValueKind is JsonValueKind.String && type.GetString()!.ToLowerInvariant() is "jwt" or "at+jwt" or "application/at+jwt"
            or "application/jwt";

    private static string? FindPayloadFault(JsonElement claims)
    {
        if (claims.ValueKind is not JsonValueKind.Object)
            return "its claims are not a JSON object";
        var invalid = Array.Find(
            Instants, name => claims.TryGetProperty(name, out var instant) && instant.ValueKind is not JsonValueKind.Number);
        return invalid is null ? null : $"its claim {invalid} is not a number";
    }

    private static JsonDocument Parse(string encoded) => JsonDocument.Parse(
        Base64Url.DecodeFromChars(encoded), new JsonDocumentOptions { AllowDuplicateProperties = false });
}
