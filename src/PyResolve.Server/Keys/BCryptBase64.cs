namespace PyResolve.Server.Keys;

/// <summary>bcrypt's own base 64: another alphabet, no padding.</summary>
internal static class BCryptBase64
{
    private const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[(bytes.Length * 8 + 5) / 6];
        for (var i = 0; i < text.Length; i++)
        {
            var bit = i * 6;
            var pair = bytes[bit / 8] << 8 | (bit / 8 + 1 < bytes.Length ? bytes[bit / 8 + 1] : 0);
            text[i] = Alphabet[pair >> (10 - bit % 8) & 63];
        }

        return new string(text);
    }

    /// <summary>False unless the text is what <see cref="Encode"/> makes of some bytes of this length.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        var bits = 0;
        var count = 0;
        var written = 0;
        foreach (var character in text)
        {
            var value = Alphabet.IndexOf(character);
            if (value < 0)
                return false;
            bits = bits << 6 | value;
            count += 6;
            if (count < 8)
                continue;
            if (written == bytes.Length)
                return false;
            count -= 8;
            bytes[written++] = (byte)(bits >> count);
            bits &= (1 << count) - 1;
        }

        return written == bytes.Length && bits == 0;
    }
}
