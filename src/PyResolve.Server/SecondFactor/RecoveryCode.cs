using System.Security.Cryptography;
using PyResolve.Server.Access;

namespace PyResolve.Server.SecondFactor;

/// <summary>
/// A code for the day on which the telephone is lost: 79 random bits, so that a plain digest cannot be guessed from. Each is accepted once.
/// </summary>
internal static class RecoveryCode
{
    public const int Count = 10;

    private const int Length = 16;
    private const int GroupLength = 4;

    /// <summary>The characters of a code, none of which looks like another.</summary>
    private const string Letters = "abcdefghjkmnpqrstuvwxyz23456789";

    public static IReadOnlyList<string> CreateAll() => [.. Enumerable.Range(0, Count).Select(static _ => Create())];

    /// <returns>null where it has not the form of one.</returns>
    public static byte[]? DigestOf(string typed)
    {
        var code = string.Concat(typed.Where(static letter => !char.IsWhiteSpace(letter) && letter != '-')).ToLowerInvariant();
        return code.Length == Length && code.All(Letters.Contains) ? TokenKind.DigestOf(code) : null;
    }

    private static string Create() => string.Join(
        '-', RandomNumberGenerator.GetString(Letters, Length).Chunk(GroupLength).Select(static group => new string(group)));
}
