using System.Buffers.Binary;
using System.Security.Cryptography;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Tests.Keys;

public sealed class BCryptPiTests
{
    private const int Subkeys = 18;
    private const int Boxes = 4 * 256;

    [Fact]
    public void Blowfishs_tables_are_the_published_ones()
    {
        var words = BCryptPi.FractionWords(Subkeys + Boxes);

        words[0].ShouldBe(0x243F6A88u); // P[0]
        words[17].ShouldBe(0x8979FB1Bu); // P[17]
        words[18].ShouldBe(0xD1310BA6u); // S[0][0]
        words[^1].ShouldBe(0x3AC372E6u); // S[3][255]
        Convert.ToHexStringLower(SHA256.HashData(BigEndian(words)))
            .ShouldBe("b5643208907b11b20e499a42187dc921f9579d28dadfccbe69a5ce232a55952f");
    }

    private static byte[] BigEndian(uint[] words)
    {
        var bytes = new byte[words.Length * sizeof(uint)];
        for (var i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * sizeof(uint)), words[i]);
        return bytes;
    }
}
