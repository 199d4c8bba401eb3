namespace PyResolve.Client;

/// <summary>The kinds of records of a lease's ledger.</summary>
internal enum LedgerEntry : byte
{
    /// <summary>A permit has taken units.</summary>
    Taken = (byte)'T',

    /// <summary>A permit has ended: that many of its units are spent, the others are free again.</summary>
    Settled = (byte)'S',

    /// <summary>The clock has shown this time.</summary>
    Seen = (byte)'C',

    /// <summary>The lease is being returned to the server: nothing more may be taken from it.</summary>
    Closed = (byte)'X',
}
