using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Signs as Stripe does.</summary>
internal static class BillingSigner
{
    public static string Hmac(string secret, byte[] signed) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed));

    /// <summary>The header <c>Stripe-Signature</c> for a body.</summary>
    public static string Header(string body, string secret, DateTimeOffset at)
    {
        var time = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return $"t={time},v1={Hmac(secret, Encoding.UTF8.GetBytes($"{time}.{body}"))}";
    }
}
