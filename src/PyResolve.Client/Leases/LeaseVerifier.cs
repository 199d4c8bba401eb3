using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Reads and verifies leases: compact JWS, ES256. Their times are not checked here.</summary>
internal static class LeaseVerifier
{
    private const string Type = "pyr-lease+jwt";
    private const string Algorithm = "ES256";

    public static VerifiedLease Verify(string token, LeaseTrust trust, MachineIdentity machine)
    {
        var parts = token.Split('.');
        if (Parse(token) is not { } lease
            || Read(parts[0], LeaseJson.Default.LeaseHeader) is not { Alg: Algorithm, Typ: Type, Kid: { } kid })
        {
            return new(null, LeaseProblem.Forged);
        }

        if (trust.Keys.FirstOrDefault(key => key is { Kty: "EC", Crv: "P-256" } && key.Kid == kid) is not { } signer)
            return new(null, LeaseProblem.Foreign);
        try
        {
            if (FromBase64Url(parts[2]) is not { } signature || !IsSigned($"{parts[0]}.{parts[1]}", signature, signer))
                return new(null, LeaseProblem.Forged);
        }
        catch (Exception exception) when (exception is TypeLoadException or MissingMethodException or PlatformNotSupportedException)
        {
            return new(null, LeaseProblem.Unverifiable);
        }

        if (lease.Account != trust.Account || (trust.Issuer is not null && lease.Issuer != trust.Issuer))
            return new(null, LeaseProblem.Foreign);
        return machine.Is(lease.Machine) ? new(lease, LeaseProblem.None) : new(null, LeaseProblem.Copied);
    }

    /// <summary>Does not check the signature; <see langword="null"/> when it is not a lease.</summary>
    public static Lease? Parse(string token)
    {
        var parts = token.Split('.');
        return parts.Length == 3
            && Read(parts[1], LeaseJson.Default.LeaseClaims)
                is { Iss: { } issuer, Tier: { } tier, Mch: { } machine, Qty: >= 1 and <= 1000 } claims
            && Instant(claims.Iat) is { } issuedAt && Instant(claims.Exp) is { } expiresAt
                ? new(claims.Jti, issuer, claims.Sub, tier, claims.Qty, machine, issuedAt, expiresAt)
                : null;
    }

    // In its own method: .NET Framework before 4.7 lacks these types, and fails when it compiles a method with them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsSigned(string text, byte[] signature, LeasePublicKey key)
    {
        try
        {
            var point = new ECPoint { X = FromBase64Url(key.X), Y = FromBase64Url(key.Y) };
            using var ecdsa = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = point });
            return ecdsa.VerifyData(Encoding.ASCII.GetBytes(text), signature, HashAlgorithmName.SHA256);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static T? Read<T>(string part, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return FromBase64Url(part) is { } json ? JsonSerializer.Deserialize(json, type) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static DateTimeOffset? Instant(long seconds) =>
        seconds is > 0 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    private static byte[]? FromBase64Url(string? text)
    {
        if (text is null)
            return null;
        try
        {
            var base64 = text.Replace('-', '+').Replace('_', '/');
            return Convert.FromBase64String(base64.PadRight((base64.Length + 3) / 4 * 4, '='));
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
