namespace PyResolve.Client;

internal enum LedgerEntry : byte
{
    Taken = (byte)'T', // A permit has taken units.
    Settled = (byte)'S', // A permit has ended: that many of its units are spent, the others are free again.
    Seen = (byte)'C', // The clock has shown this time.
    Closed = (byte)'X', // The lease is being returned to the server: nothing more may be taken from it.
}
