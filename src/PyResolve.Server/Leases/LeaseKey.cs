using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Leases;

/// <summary>A P-256 key, identified by its RFC 7638 thumbprint. Thread-safe.</summary>
internal sealed class LeaseKey
{
    private const string P256 = "1.2.840.10045.3.1.7";

    private readonly Lock _gate = new();
    private readonly ECDsa _key;

    private LeaseKey(ECDsa key, ECPoint point)
    {
        _key = key;
        var x = Base64Url.EncodeToString(point.X);
        var y = Base64Url.EncodeToString(point.Y);
        var canonical = string.Create(CultureInfo.InvariantCulture, $$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""");
        Id = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(canonical)));
        Public = new LeasePublicKey("EC", "P-256", x, y, "sig", "ES256", Id);
    }

    public string Id { get; }

    public LeasePublicKey Public { get; }

    /// <exception cref="CryptographicException">Not an unencrypted PKCS#8 private key in DER, or on another curve.</exception>
    public static LeaseKey Import(ReadOnlySpan<byte> pkcs8)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportPkcs8PrivateKey(pkcs8, out var read);
            var parameters = key.ExportParameters(includePrivateParameters: false);
            if (read != pkcs8.Length || parameters.Curve is not { IsNamed: true, Oid.Value: P256 })
                throw new CryptographicException("The key is on another curve than P-256.");
            return new LeaseKey(key, parameters.Q);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Writes the private key as PKCS#8, in base64. The same key has the same text.</summary>
    public string Export()
    {
        lock (_gate)
            return Convert.ToBase64String(_key.ExportPkcs8PrivateKey());
    }

    /// <summary>Signs with ES256: r and s, 32 bytes each.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        lock (_gate)
            return _key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}
