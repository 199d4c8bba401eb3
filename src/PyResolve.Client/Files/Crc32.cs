namespace PyResolve.Client;

/// <summary>CRC-32 (IEEE 802.3), which netstandard2.0 does not have.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = CreateTable();

    public static uint Of(byte[] bytes, int start, int count)
    {
        var checksum = uint.MaxValue;
        for (var i = start; i < start + count; i++)
            checksum = Table[(byte)(checksum ^ bytes[i])] ^ (checksum >> 8);
        return ~checksum;
    }

    private static uint[] CreateTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < table.Length; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++)
                value = (value & 1) == 0 ? value >> 1 : 0xEDB88320 ^ (value >> 1);
            table[i] = value;
        }

        return table;
    }
}
