using System.Buffers;
using PyResolve.Server.Access;

namespace PyResolve.Server.Keys;

/// <summary>The form of our keys: <c>pyr_live_</c> and 48 hex characters, of which the first 20 characters are shown in lists.</summary>
internal static class ApiKeyFormat
{
    public const int Length = 57;
    public const int PrefixLength = 20;

    private static readonly TokenKind Kind = new("pyr_live_", 24);
    public static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    public static string Create() => Kind.Create();

    public static bool HasKeyForm(string text) => Kind.HasPrefix(text);

    public static bool IsWellFormed(string text) =>
        text.Length == Length && HasKeyForm(text) && !text.AsSpan(Kind.Prefix.Length).ContainsAnyExcept(LowerHex);

    public static string PrefixOf(string key) => key[..PrefixLength];
}
