using System.Text;
using System.Text.Json;

namespace PyResolve;

/// <summary>
/// A reservation as a lease: a compact JWS (ES256) that proves offline what was granted, to which machine, and until when. Compiled into
/// the server and into PyResolve.Testing.
/// </summary>
internal sealed record LeaseToken(
    string KeyId, string Issuer, Guid Account, Guid Reservation, long Quantity, string? Tier, string? Machine, DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt)
{
    public string Sign(Func<byte[], byte[]> sign)
    {
        var header = Encode(writer =>
        {
            writer.WriteString("alg", "ES256");
            writer.WriteString("kid", KeyId);
            writer.WriteString("typ", "pyr-lease+jwt");
        });
        var claims = Encode(writer =>
        {
            writer.WriteString("iss", Issuer);
            writer.WriteString("sub", Account);
            writer.WriteString("jti", Reservation);
            writer.WriteNumber("qty", Quantity);
            writer.WriteString("tier", Tier);
            writer.WriteString("mch", Machine);
            writer.WriteNumber("iat", IssuedAt.ToUnixTimeSeconds());
            // Rounded down to seconds, so that the lease never outlives the held units.
            writer.WriteNumber("exp", ExpiresAt.ToUnixTimeSeconds());
        });
        var signed = $"{header}.{claims}";
        return $"{signed}.{Base64Url(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    public static string Base64Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static string Encode(Action<Utf8JsonWriter> writeMembers)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writeMembers(writer);
            writer.WriteEndObject();
        }

        return Base64Url(buffer.ToArray());
    }
}
