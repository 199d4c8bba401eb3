using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PyResolve.Server.Keys;

/// <summary>Blowfish (Schneier, 1993) with the salted key schedule of bcrypt. A value: assigning it copies the whole state.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct BCryptBlowfish
{
    /// <summary>The bytes of a key that reach the key schedule.</summary>
    public const int MaxKeyLength = SubkeyCount * sizeof(uint);

    /// <summary>Before any key, the state is the first 33,344 bits of π's fraction.</summary>
    public static readonly BCryptBlowfish Initial = FromWords(BCryptPi.FractionWords(SubkeyCount + 4 * BoxLength));

    private const int SubkeyCount = 18;
    private const int BoxLength = 256;
    private const int SaltWordCount = 4;

    private Subkeys _subkeys;
    private Box _box0;
    private Box _box1;
    private Box _box2;
    private Box _box3;

    /// <summary>Mixes a key into the state.</summary>
    /// <param name="key">1 byte or more; taken again and again until all 72 bytes of subkeys have had theirs.</param>
    /// <param name="salt">16 bytes, or none, which is as good as zeros.</param>
    public void Expand(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt = default)
    {
        var position = 0;
        foreach (ref var subkey in (Span<uint>)_subkeys)
            subkey ^= NextWord(key, ref position);

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
    public readonly void Encrypt(Span<byte> text)
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

    private static BCryptBlowfish FromWords(ReadOnlySpan<uint> words)
    {
        var state = new BCryptBlowfish();
        words[..SubkeyCount].CopyTo(state._subkeys);
        words = words[SubkeyCount..];
        words[..BoxLength].CopyTo(state._box0);
        words.Slice(BoxLength, BoxLength).CopyTo(state._box1);
        words.Slice(2 * BoxLength, BoxLength).CopyTo(state._box2);
        words.Slice(3 * BoxLength, BoxLength).CopyTo(state._box3);
        return state;
    }

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
    private readonly void Refill(Span<uint> words, ReadOnlySpan<uint> salt, ref (uint Left, uint Right, int SaltWord) chain)
    {
        var (left, right, saltWord) = chain;
        for (var i = 0; i < words.Length - 1; i += 2)
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
    private readonly void Encipher(ref uint left, ref uint right)
    {
        var l = left ^ _subkeys[0];
        var r = right;
        for (var round = 1; round < SubkeyCount - 1; round += 2)
        {
            r ^= Mix(l) ^ _subkeys[round];
            l ^= Mix(r) ^ _subkeys[round + 1];
        }

        left = r ^ _subkeys[SubkeyCount - 1];
        right = l;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly uint Mix(uint x) =>
        ((_box0[(byte)(x >> 24)] + _box1[(byte)(x >> 16)]) ^ _box2[(byte)(x >> 8)]) + _box3[(byte)x];

    [InlineArray(SubkeyCount)]
    private struct Subkeys
    {
        private uint _word;
    }

    [InlineArray(BoxLength)]
    private struct Box
    {
        private uint _word;
    }
}
