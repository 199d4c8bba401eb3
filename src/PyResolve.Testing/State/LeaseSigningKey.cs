using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <summary>The key that signs leases (ES256 on P-256), generated for this server.</summary>
internal sealed class LeaseSigningKey : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public LeaseSigningKey()
    {
        var point = _key.ExportParameters(includePrivateParameters: false).Q;
        var (x, y) = (Encode(point.X!), Encode(point.Y!));
        var thumbprint = Encode(SHA256.HashData(Encoding.ASCII.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""")));
        Public = new("EC", "P-256", x, y, "sig", "ES256", thumbprint);
    }

    public LeasePublicKey Public { get; }

    public string Sign(string issuer, Guid account, FakeReservation reservation)
    {
        var header = Write(writer =>
        {
            writer.WriteString("alg", "ES256");
            writer.WriteString("kid", Public.Kid);
            writer.WriteString("typ", "pyr-lease+jwt");
        });
        var claims = Write(writer =>
        {
            writer.WriteString("iss", issuer);
            writer.WriteString("sub", account);
            writer.WriteString("jti", reservation.Id);
            writer.WriteNumber("qty", reservation.Quantity);
            writer.WriteString("tier", reservation.Tier);
            writer.WriteString("mch", reservation.Machine);
            writer.WriteNumber("iat", reservation.CreatedAt.ToUnixTimeSeconds());
            writer.WriteNumber("exp", reservation.ExpiresAt.ToUnixTimeSeconds());
        });
        var signed = Encoding.ASCII.GetBytes($"{header}.{claims}");
        var signature = _key.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return $"{header}.{claims}.{Encode(signature)}";
    }

    public void Dispose() => _key.Dispose();

    private static string Write(Action<Utf8JsonWriter> writeMembers)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writeMembers(writer);
            writer.WriteEndObject();
        }

        return Encode(buffer.ToArray());
    }

    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
