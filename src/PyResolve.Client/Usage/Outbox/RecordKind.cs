namespace PyResolve.Client;

/// <summary>A record is an event, a mark that everything before an offset is settled, or a filler in place of damaged bytes.</summary>
internal enum RecordKind : byte
{
    Event = (byte)'E',
    Settled = (byte)'S',
    Damaged = (byte)'D',
}
