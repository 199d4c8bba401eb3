using System.Buffers;
using System.Security.Cryptography;

namespace PyResolve.Server.Keys;

/// <summary>An API key: <c>pyr_live_</c> and 48 hex characters, of which the first 20 characters are shown in lists.</summary>
internal static class ApiKeyFormat
{
    public const string Start = "pyr_live_";
    public const int PrefixLength = 20;
    private const int SecretBytes = 24;
    public const int Length = 9 + (2 * SecretBytes);

    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    public static string Create() => Start + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Whether this is meant to be a key at all.</summary>
    public static bool HasKeyForm(string text) => text.StartsWith(Start, StringComparison.Ordinal);

    /// <summary>Whether this can be a key: what is not need not be looked up.</summary>
    public static bool IsWellFormed(string text) =>
        text.Length == Length && HasKeyForm(text) && !text.AsSpan(Start.Length).ContainsAnyExcept(LowerHex);

    public static string PrefixOf(string key) => key[..PrefixLength];
}
