using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace PyResolve.Server.Keys;

/// <summary>Blowfish (Schneier, 1993) with the salted key schedule of bcrypt. One computation's own: not thread-safe.</summary>
internal sealed class BCryptBlowfish
{
    /// <summary>The bytes of a key that reach the key schedule.</summary>
    public const int MaxKeyLength = SubkeyCount * sizeof(uint);

    private const int SubkeyCount = 18;
    private const int BoxLength = 256;
    private const int SaltWordCount = 4;

    // Before any key, the state is the first 33,344 bits of π's fraction.
    private static readonly uint[] Initial = BCryptPi.FractionWords(SubkeyCount + 4 * BoxLength);

    // Plain arrays: spans and inline arrays are as fast when optimized, and ten times slower in a debug build, where all tests run.
    private readonly uint[] _subkeys = Initial[..SubkeyCount];
    private readonly uint[] _box0 = InitialBox(0);
    private readonly uint[] _box1 = InitialBox(1);
    private readonly uint[] _box2 = InitialBox(2);
    private readonly uint[] _box3 = InitialBox(3);

    /// <summary>Mixes a key into the state.</summary>
    /// <param name="key">1 byte or more; taken again and again until all 72 bytes of subkeys have had theirs.</param>
    /// <param name="salt">16 bytes, or none, which is as good as zeros.</param>
    public void Expand(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt = default)
    {
        var position = 0;
        for (var i = 0; i < SubkeyCount; i++)
            _subkeys[i] ^= NextWord(key, ref position);

        Span<uint> saltWords = stackalloc uint[SaltWordCount];
        position = 0;
        foreach (ref var word in saltWords)
            word = salt.IsEmpty ? 0 : NextWord(salt, ref position);

        var chain = (Left: 0u, Right: 0u, SaltWord: 0);
        Refill(_subkeys, saltWords, ref chain);
        Refill(_box0, saltWords, ref chain);
        Refill(_box1, saltWords, ref chain);
        Refill(_box2, saltWords, ref chain);
        Refill(_box3, saltWords, ref chain);
    }

    /// <summary>Encrypts blocks of 8 bytes, each by itself.</summary>
    public void Encrypt(Span<byte> text)
    {
        for (; !text.IsEmpty; text = text[8..])
        {
            var left = BinaryPrimitives.ReadUInt32BigEndian(text);
            var right = BinaryPrimitives.ReadUInt32BigEndian(text[4..]);
            Encipher(ref left, ref right);
            BinaryPrimitives.WriteUInt32BigEndian(text, left);
            BinaryPrimitives.WriteUInt32BigEndian(text[4..], right);
        }
    }

    private static uint[] InitialBox(int number) => Initial.AsSpan(SubkeyCount + number * BoxLength, BoxLength).ToArray();

    private static uint NextWord(ReadOnlySpan<byte> bytes, ref int position)
    {
        var word = 0u;
        for (var i = 0; i < sizeof(uint); i++)
        {
            word = word << 8 | bytes[position];
            position = position + 1 == bytes.Length ? 0 : position + 1;
        }

        return word;
    }

    // Part of the state is overwritten with what the state, as it is at that moment, makes of the words before.
    private void Refill(uint[] words, ReadOnlySpan<uint> salt, ref (uint Left, uint Right, int SaltWord) chain)
    {
        var (left, right, saltWord) = chain;
        for (var i = 0; i < words.Length; i += 2)
        {
            left ^= salt[saltWord];
            right ^= salt[saltWord + 1];
            saltWord ^= 2;
            Encipher(ref left, ref right);
            words[i] = left;
            words[i + 1] = right;
        }

        chain = (left, right, saltWord);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Encipher(ref uint left, ref uint right)
    {
        var (subkeys, box0, box1, box2, box3) = (_subkeys, _box0, _box1, _box2, _box3);
        var l = left ^ subkeys[0];
        var r = right;
        for (var round = 1; round < SubkeyCount - 1; round += 2)
        {
            r ^= (((box0[l >> 24] + box1[(byte)(l >> 16)]) ^ box2[(byte)(l >> 8)]) + box3[(byte)l]) ^ subkeys[round];
            l ^= (((box0[r >> 24] + box1[(byte)(r >> 16)]) ^ box2[(byte)(r >> 8)]) + box3[(byte)r]) ^ subkeys[round + 1];
        }

        left = r ^ subkeys[SubkeyCount - 1];
        right = l;
    }
}
