using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>
/// A place in the list of events, in the order of the index <c>usage_events_order</c>, which finds the events after it at a constant cost.
/// </summary>
internal readonly record struct EventPosition(string Month, DateTimeOffset RecordedAt, Guid Id)
{
    private const int MonthLength = 7;
    private const int Length = MonthLength + sizeof(long) + 16;

    private static readonly DateTimeOffset Earliest = DateTimeOffset.UnixEpoch;
    private static readonly DateTimeOffset Latest = DateTimeOffset.MaxValue.ToInstant();

    public static EventPosition Newest { get; } = NewestOf("9999-12");

    public static EventPosition NewestOf(string month) => new(month, Latest, Guid.AllBitsSet);

    public static EventPosition OldestOf(string month) => new(month, Earliest, Guid.Empty);

    /// <summary>
    /// Writes the place as a cursor. It is not signed: it only selects among the caller's own events, and is validated when parsed.
    /// </summary>
    public string ToCursor()
    {
        Span<byte> bytes = stackalloc byte[Length];
        Encoding.ASCII.GetBytes(Month, bytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes[MonthLength..], (RecordedAt - Earliest).Ticks / TimeSpan.TicksPerMicrosecond);
        Id.TryWriteBytes(bytes[(MonthLength + sizeof(long))..], bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryParse(string cursor, out EventPosition position)
    {
        position = default;
        Span<byte> bytes = stackalloc byte[Length];
        if (Base64Url.DecodeFromChars(cursor, bytes, out _, out var written) is not OperationStatus.Done || written != Length)
            return false;

        var month = Encoding.ASCII.GetString(bytes[..MonthLength]);
        var microseconds = BinaryPrimitives.ReadInt64BigEndian(bytes[MonthLength..]);
        if (!StatisticsQuery.IsMonth(month) || microseconds < 0 || microseconds > (Latest - Earliest).Ticks / TimeSpan.TicksPerMicrosecond)
            return false;
        position = new EventPosition(
            month,
            Earliest.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond),
            new Guid(bytes[(MonthLength + sizeof(long))..], bigEndian: true));
        return true;
    }
}
