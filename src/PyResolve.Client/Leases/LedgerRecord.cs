using System.Buffers.Binary;

namespace PyResolve.Client;

/// <summary>A record of a lease's ledger, 36 bytes, little-endian: checksum of the rest (4), kind (1), unused (3), units (4), Unix
/// milliseconds (8), permit (16). All have one size, so that an incomplete last record can be distinguished from damage.</summary>
internal sealed record LedgerRecord(LedgerEntry Kind, Guid Permit, int Units, DateTimeOffset At)
{
    public const int Length = 36;
    private const int Checksummed = 4;

    /// <summary>The year 10000.</summary>
    private const long EndOfTime = 253_402_300_800_000;

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        bytes[4] = (byte)Kind;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Units);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(12), At.ToUnixTimeMilliseconds());
        Permit.ToByteArray().CopyTo(bytes, 20);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Crc32.Of(bytes, Checksummed, Length - Checksummed));
        return bytes;
    }

    /// <summary>The record at an offset with room for one; <see langword="null"/> when it is damaged.</summary>
    public static LedgerRecord? Read(byte[] bytes, int start)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(start)) != Crc32.Of(bytes, start + Checksummed, Length - Checksummed))
            return null;
        var milliseconds = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(start + 12));
        if (milliseconds is < 0 or >= EndOfTime)
            return null;
        var permit = new Guid(bytes.AsSpan(start + 20, 16).ToArray());
        var units = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(start + 8));
        return new((LedgerEntry)bytes[start + 4], permit, units, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
    }
}
