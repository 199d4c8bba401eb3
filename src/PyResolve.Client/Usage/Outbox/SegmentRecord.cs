using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PyResolve.Client;

/// <summary>What a record says: that an event was reported, that everything before an offset is settled, or that what stood there was damaged.</summary>
internal enum RecordKind : byte
{
    Event = (byte)'E',
    Settled = (byte)'S',
    Damaged = (byte)'D',
}

/// <summary>
/// One record of a segment: length and checksum (4 bytes each, little-endian), then the kind (1), a number (8) and what follows, over which
/// both are taken. The number is an event's time of report in Unix milliseconds, or the offset up to which all is settled.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SegmentRecord(RecordKind Kind, long Number, int BodyStart, int End)
{
    private const int FrameLength = 8;
    private const int HeadLength = 9;

    /// <summary>The server takes no body over 1 MiB.</summary>
    public const int LongestBody = 1024 * 1024;

    /// <summary>Length and checksum, kind and number.</summary>
    public const int Overhead = FrameLength + HeadLength;

    public int Start => BodyStart - Overhead;

    public static byte[] Write(RecordKind kind, long number, byte[] body)
    {
        var record = new byte[Overhead + body.Length];
        record[FrameLength] = (byte)kind;
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(FrameLength + 1), number);
        body.CopyTo(record, Overhead);
        BinaryPrimitives.WriteInt32LittleEndian(record, HeadLength + body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), Crc32.Of(record, FrameLength, HeadLength + body.Length));
        return record;
    }

    /// <summary>
    /// Whether what begins at a place, and holds no whole record, is one whose writing was cut short: the file ends before it does, or was never
    /// filled. Where the checksum is right, the record is whole, and its length is what is wrong.
    /// </summary>
    public static bool IsTorn(byte[] bytes, int start, int length)
    {
        var left = length - start;
        if (left < FrameLength)
            return true;
        var size = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(start));
        return IsPlausible(size)
            ? size > left - FrameLength && Checksum(bytes, start) != Crc32.Of(bytes, start + FrameLength, left - FrameLength)
            : bytes.Skip(start).Take(left).All(static value => value == 0);
    }

    /// <summary>The record at a place or, where what is there is damaged, the first whole one behind it; <see langword="null"/> where none is.</summary>
    public static SegmentRecord? Next(byte[] bytes, int start, int length)
    {
        if (Read(bytes, start, length) is { } record)
            return record;
        // Whatever was written here is no shorter than the shortest record.
        for (var later = start + Overhead; later <= length - Overhead; later++)
        {
            var kind = (RecordKind)bytes[later + FrameLength];
            if (kind is RecordKind.Event or RecordKind.Settled or RecordKind.Damaged && Read(bytes, later, length) is { } found)
                return found;
        }

        return null;
    }

    /// <summary>The record at a place; <see langword="null"/> where none is whole.</summary>
    public static SegmentRecord? Read(byte[] bytes, int start, int length)
    {
        if (length - start < Overhead)
            return null;
        var size = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(start));
        if (!IsPlausible(size) || size > length - start - FrameLength || Checksum(bytes, start) != Crc32.Of(bytes, start + FrameLength, size))
            return null;
        var number = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(start + FrameLength + 1));
        return new((RecordKind)bytes[start + FrameLength], number, start + Overhead, start + FrameLength + size);
    }

    private static bool IsPlausible(int size) => size is >= HeadLength and <= HeadLength + LongestBody;

    private static uint Checksum(byte[] bytes, int start) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(start + 4));
}
