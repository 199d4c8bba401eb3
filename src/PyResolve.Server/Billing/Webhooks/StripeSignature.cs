using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Stripe;

namespace PyResolve.Server.Billing.Webhooks;

/// <summary>Checks the header <c>Stripe-Signature</c>: <c>t=1533204620,v1=…</c>.</summary>
internal static class StripeSignature
{
    /// <remarks>
    /// Stripe.net computes the signature, but does not read the header:
    /// <see cref="EventUtility.ValidateSignature(string, string, string, long)"/> overflows at times after January 2038, takes a blank
    /// before the time, and throws for a header that is missing.
    /// </remarks>
    public static bool IsValid(string? header, string payload, IReadOnlyList<string> secrets, DateTimeOffset now)
    {
        var items = (header ?? "").Split(',').Select(static item => item.Trim().Split('=', 2)).ToList();
        if (items.Exists(static item => item.Length != 2)
            || items.Find(static item => item[0] == "t")?[1] is not { } time
            || !long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || Math.Abs((decimal)now.ToUnixTimeSeconds() - seconds) > EventUtility.DefaultTimeTolerance)
        {
            return false;
        }

        var signatures = items.Where(static item => item[0] == "v1").Select(static item => Encoding.UTF8.GetBytes(item[1])).ToList();
        return secrets
            .Where(static secret => !string.IsNullOrWhiteSpace(secret))
            .Select(secret => Encoding.ASCII.GetBytes(EventUtility.ComputeSignature(secret, time, payload)))
            .Any(expected => signatures.Exists(signature => CryptographicOperations.FixedTimeEquals(expected, signature)));
    }
}
