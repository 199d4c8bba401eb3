using System.Security.Cryptography;
using System.Text;
using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <summary>The key that signs leases (ES256 on P-256), generated for this server.</summary>
internal sealed class LeaseSigningKey : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public LeaseSigningKey()
    {
        var point = _key.ExportParameters(includePrivateParameters: false).Q;
        var (x, y) = (LeaseToken.Base64Url(point.X!), LeaseToken.Base64Url(point.Y!));
        var members = Encoding.ASCII.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""");
        var thumbprint = LeaseToken.Base64Url(SHA256.HashData(members));
        Public = new("EC", "P-256", x, y, "sig", "ES256", thumbprint);
    }

    public LeasePublicKey Public { get; }

    public string Sign(string issuer, Guid account, FakeReservation reservation)
    {
        var lease = new LeaseToken(
            Public.Kid, issuer, account, reservation.Id, reservation.Quantity, reservation.Tier, reservation.Machine, reservation.CreatedAt,
            reservation.ExpiresAt);
        return lease.Sign(signed => _key.SignData(signed, HashAlgorithmName.SHA256));
    }

    public void Dispose() => _key.Dispose();
}
