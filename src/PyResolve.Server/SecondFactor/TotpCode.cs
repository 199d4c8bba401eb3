using System.Security.Cryptography;
using OtpNet;
using PyResolve.Client.Wire;

namespace PyResolve.Server.SecondFactor;

/// <summary>The six digits that an app on a telephone shows for 30 seconds (RFC 6238, with SHA-1 as every app has it).</summary>
internal static class TotpCode
{
    private const int SecretBytes = 20;
    private const int Digits = 6;

    /// <summary>How far the telephone's clock may be off: a step ahead or behind.</summary>
    private static readonly VerificationWindow Skew = new(previous: 1, future: 1);

    public static byte[] CreateSecret() => RandomNumberGenerator.GetBytes(SecretBytes);

    /// <summary>The secret as a person types it, and what apps scan: the form of the key URI that all of them read.</summary>
    public static TotpSetup SetupOf(byte[] secret, string email, string issuer)
    {
        var name = Uri.EscapeDataString(issuer);
        var text = Base32Encoding.ToString(secret);
        return new TotpSetup(text, $"otpauth://totp/{name}:{Uri.EscapeDataString(email)}?secret={text}&issuer={name}");
    }

    /// <returns>The time step whose code it is; null: it is not a code of this time.</returns>
    public static long? FindStep(byte[] secret, string typed, DateTimeOffset now)
    {
        var code = string.Concat(typed.Where(static letter => !char.IsWhiteSpace(letter)));
        if (code.Length != Digits || !code.All(char.IsAsciiDigit))
            return null;
        return new Totp(secret).VerifyTotp(now.UtcDateTime, code, out var step, Skew) ? step : null;
    }
}
