using System.Security.Cryptography;
using System.Text;

namespace PyResolve.StripeSimulator.Api;

internal static class SecretKeys
{
    /// <summary>Accepts the key as a bearer token or as a user name without a password, like Stripe. No answer contains the key.</summary>
    public static void Check(HttpRequest request, string expected)
    {
        var key = KeyOf(request.Headers.Authorization.ToString());
        if (key.Length == 0)
        {
            throw ApiErrorException.Unauthorized(
                "You did not provide an API key. You need to provide your API key in the Authorization header, "
                + "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').");
        }

        if (key.StartsWith("sk_live_", StringComparison.Ordinal) || key.StartsWith("rk_live_", StringComparison.Ordinal))
            throw ApiErrorException.Unauthorized(
                "A live key was sent to the Stripe simulator, which accepts test keys only. Check the configuration of the caller.");
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(expected)))
            throw ApiErrorException.Unauthorized("Invalid API Key provided.");
    }

    private static string KeyOf(string header)
    {
        const string bearer = "Bearer ";
        const string basic = "Basic ";
        if (header.StartsWith(bearer, StringComparison.OrdinalIgnoreCase))
            return header[bearer.Length..].Trim();
        if (!header.StartsWith(basic, StringComparison.OrdinalIgnoreCase))
            return "";
        var buffer = new byte[header.Length];
        return Convert.TryFromBase64String(header[basic.Length..].Trim(), buffer, out var length)
            ? Encoding.UTF8.GetString(buffer, 0, length).Split(':')[0]
            : "";
    }
}
