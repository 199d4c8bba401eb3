using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

namespace PyResolve.Server.Keys;

/// <summary>
/// bcrypt (Provos and Mazières, 1999), with the names and the semantics of the public package BCrypt.Net-Next, and interchangeable with
/// PostgreSQL's <c>crypt(text, gen_salt('bf'))</c>. Thread-safe.
/// </summary>
/// <remarks>
/// As everywhere, only the first 72 bytes of the text in UTF-8 count. Written is <c>$2a$</c>, because pgcrypto does not know <c>$2b$</c>; read are
/// <c>$2a$</c>, <c>$2b$</c> and <c>$2y$</c>, which name one algorithm here. <c>$2x$</c>, which marks hashes of an old implementation that extended the
/// sign of bytes above 127 and so let different texts collide, is not read.
/// </remarks>
internal static class BCrypt
{
    /// <summary>What <c>gen_salt('bf')</c> takes: 64 rounds, a few milliseconds.</summary>
    public const int DefaultWorkFactor = 6;

    private const int MinWorkFactor = 4;

    // A second of CPU time: what anyone may have planted in a hash costs no more.
    private const int MaxWorkFactor = 12;

    private const int SaltLength = 16;
    private const int DigestLength = 23;
    private const int SaltStart = 7;
    private const int DigestStart = SaltStart + 22;
    private const int HashLength = DigestStart + 31;

    private static ReadOnlySpan<byte> Magic => "OrpheanBeholderScryDoubt"u8;

    /// <summary>Hashes a text with a fresh salt.</summary>
    /// <param name="text">Without U+0000, where C's implementations end it, and without lone surrogates.</param>
    /// <param name="workFactor">The binary logarithm of the number of rounds: 4 to 12, default 6. One more is twice the work.</param>
    /// <returns>60 ASCII characters: <c>$2a$06$</c>, 22 of salt, 31 of digest.</returns>
    /// <exception cref="ArgumentException">The text cannot be hashed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The work factor is out of range.</exception>
    public static string HashPassword(string text, int workFactor = DefaultWorkFactor)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(workFactor, MinWorkFactor);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(workFactor, MaxWorkFactor);
        Span<byte> key = stackalloc byte[BCryptBlowfish.MaxKeyLength];
        if (!TryGetKey(text, ref key))
            throw new ArgumentException("The text holds U+0000 or a lone surrogate.", nameof(text));

        Span<byte> salt = stackalloc byte[SaltLength];
        RandomNumberGenerator.Fill(salt);
        Span<byte> digest = stackalloc byte[DigestLength];
        Digest(key, salt, workFactor, digest);
        return $"$2a${workFactor:00}${BCryptBase64.Encode(salt)}{BCryptBase64.Encode(digest)}";
    }

    /// <summary>
    /// Whether the text is the one that was hashed. False, before any work, for what is no bcrypt hash, for a work factor outside 4 to 12, and
    /// for a text that <see cref="HashPassword"/> would refuse.
    /// </summary>
    public static bool Verify(string text, string hash)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(hash);
        Span<byte> salt = stackalloc byte[SaltLength];
        Span<byte> stored = stackalloc byte[DigestLength];
        Span<byte> key = stackalloc byte[BCryptBlowfish.MaxKeyLength];
        if (!TryParse(hash, out var workFactor, salt, stored) || !TryGetKey(text, ref key))
            return false;

        Span<byte> digest = stackalloc byte[DigestLength];
        Digest(key, salt, workFactor, digest);
        return CryptographicOperations.FixedTimeEquals(digest, stored);
    }

    private static bool TryParse(ReadOnlySpan<char> hash, out int workFactor, Span<byte> salt, Span<byte> digest)
    {
        workFactor = 0;
        if (hash.Length != HashLength || hash is not ['$', '2', 'a' or 'b' or 'y', '$', >= '0' and <= '9', >= '0' and <= '9', '$', ..])
            return false;

        workFactor = (hash[4] - '0') * 10 + hash[5] - '0';
        return workFactor is >= MinWorkFactor and <= MaxWorkFactor
            && BCryptBase64.TryDecode(hash[SaltStart..DigestStart], salt)
            && BCryptBase64.TryDecode(hash[DigestStart..], digest);
    }

    // The key is the text with the NUL that ends it in C, both cut off after 72 bytes, be it within a character.
    private static bool TryGetKey(string text, ref Span<byte> key)
    {
        if (text.Contains('\0'))
            return false;

        const int longestCharacter = 4;
        Span<byte> utf8 = stackalloc byte[BCryptBlowfish.MaxKeyLength + longestCharacter - 1];
        utf8.Clear();
        if (Utf8.FromUtf16(text, utf8, out _, out var length, replaceInvalidSequences: false) == OperationStatus.InvalidData)
            return false;

        key = key[..Math.Min(length + 1, key.Length)];
        utf8[..key.Length].CopyTo(key);
        return true;
    }

    private static void Digest(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt, int workFactor, Span<byte> digest)
    {
        var cipher = new BCryptBlowfish();
        cipher.Expand(key, salt);
        for (var rounds = 1 << workFactor; rounds > 0; rounds--)
        {
            cipher.Expand(key);
            cipher.Expand(salt);
        }

        Span<byte> text = stackalloc byte[Magic.Length];
        Magic.CopyTo(text);
        for (var pass = 0; pass < 64; pass++)
            cipher.Encrypt(text);
        text[..DigestLength].CopyTo(digest);
    }
}
