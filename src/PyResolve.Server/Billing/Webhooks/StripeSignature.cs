using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Billing.Webhooks;

/// <summary>The header <c>Stripe-Signature</c>: <c>t=1533204620,v1=…</c>, HMAC-SHA256 over the time, a dot and the body's bytes.</summary>
internal static class StripeSignature
{
    private const long ToleranceSeconds = 300;

    /// <param name="header">As it came.</param>
    /// <param name="body">As it came: not one byte may have changed.</param>
    /// <param name="secrets">Any of them will do. None verifies nothing.</param>
    /// <param name="now">Five minutes from the signature's time, both ways, are tolerated.</param>
    public static bool IsValid(string? header, ReadOnlySpan<byte> body, IReadOnlyList<string> secrets, DateTimeOffset now) =>
        Parse(header) is var (time, signatures)
        && Matches(time, signatures, body, secrets)
        && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && Math.Abs((decimal)now.ToUnixTimeSeconds() - seconds) <= ToleranceSeconds;

    /// <summary>The first <c>t</c> and every <c>v1</c>. An item without <c>=</c> spoils the header.</summary>
    private static (string Time, List<string> Signatures)? Parse(string? header)
    {
        if (string.IsNullOrWhiteSpace(header))
            return null;
        string? time = null;
        var signatures = new List<string>();
        foreach (var item in header.Split(','))
        {
            var pair = item.Trim();
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                return null;
            var value = pair[(equals + 1)..];
            switch (pair[..equals])
            {
                case "t":
                    time ??= value;
                    break;
                case "v1":
                    signatures.Add(value);
                    break;
            }
        }

        return time is null || signatures.Count == 0 ? null : (time, signatures);
    }

    private static bool Matches(string time, List<string> signatures, ReadOnlySpan<byte> body, IReadOnlyList<string> secrets)
    {
        var signed = (byte[])[.. Encoding.UTF8.GetBytes(time), (byte)'.', .. body];
        var isMatch = false;
        foreach (var secret in secrets)
        {
            if (string.IsNullOrWhiteSpace(secret))
                continue;
            var expected = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed)));
            foreach (var signature in signatures)
                isMatch |= CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(signature));
        }

        return isMatch;
    }
}
