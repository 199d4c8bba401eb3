using System.Globalization;
using System.Security.Cryptography;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>Ids like Stripe's, with a tag of this run: a server remembers ids of earlier runs, and none may occur again.</summary>
internal sealed class Ids(string? tag)
{
    private const string Alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

    private readonly string _tag = tag ?? RandomNumberGenerator.GetString(Alphabet, 8);
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

    public string Next(string prefix)
    {
        var count = _counts[prefix] = _counts.GetValueOrDefault(prefix) + 1;
        return string.Create(CultureInfo.InvariantCulture, $"{prefix}_{_tag}{count:000000}");
    }

    public static string Secret(string prefix) => $"{prefix}_{RandomNumberGenerator.GetString(Alphabet, 32)}";
}
