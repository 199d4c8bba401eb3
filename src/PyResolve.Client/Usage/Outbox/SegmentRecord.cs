using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PyResolve.Client;

/// <summary>A record of a segment: length and checksum (4 bytes each, little-endian) of the rest: kind (1), number (8), body. The number is
/// the time of an event's report in Unix milliseconds, or the offset up to which everything is settled.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SegmentRecord(RecordKind Kind, long Number, int BodyStart, int End)
{
    private const int FrameLength = 8;
    private const int HeaderLength = 9;

    /// <summary>The server accepts no body over 1 MiB.</summary>
    public const int MaxBodyLength = 1024 * 1024;

    public const int Overhead = FrameLength + HeaderLength;

    public int Start => BodyStart - Overhead;

    public static byte[] Write(RecordKind kind, long number, byte[] body)
    {
        var record = new byte[Overhead + body.Length];
        record[FrameLength] = (byte)kind;
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(FrameLength + 1), number);
        body.CopyTo(record, Overhead);
        BinaryPrimitives.WriteInt32LittleEndian(record, HeaderLength + body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), Crc32.Of(record, FrameLength, HeaderLength + body.Length));
        return record;
    }

    /// <summary>Whether an incomplete record at an offset was interrupted while being written: the file ends early or has zeros there. With
    /// a correct checksum of the remaining bytes, the record is complete and its length is damaged.</summary>
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

    /// <summary>The record at an offset or, if it is damaged, the next intact one; <see langword="null"/> when there is none.</summary>
    public static SegmentRecord? Next(byte[] bytes, int start, int length)
    {
        if (Read(bytes, start, length) is { } record)
            return record;
        // No record is shorter than the overhead.
        for (var later = start + Overhead; later <= length - Overhead; later++)
        {
            var kind = (RecordKind)bytes[later + FrameLength];
            if (kind is RecordKind.Event or RecordKind.Settled or RecordKind.Damaged && Read(bytes, later, length) is { } found)
                return found;
        }

        return null;
    }

    /// <summary>The record at an offset; <see langword="null"/> when it is not complete and intact.</summary>
    public static SegmentRecord? Read(byte[] bytes, int start, int length)
    {
        if (length - start < Overhead)
            return null;
        var size = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(start));
        if (!IsPlausible(size) || size > length - start - FrameLength)
            return null;
        if (Checksum(bytes, start) != Crc32.Of(bytes, start + FrameLength, size))
            return null;
        var number = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(start + FrameLength + 1));
        return new((RecordKind)bytes[start + FrameLength], number, start + Overhead, start + FrameLength + size);
    }

    private static bool IsPlausible(int size) => size is >= HeaderLength and <= HeaderLength + MaxBodyLength;

    private static uint Checksum(byte[] bytes, int start) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(start + 4));
}
