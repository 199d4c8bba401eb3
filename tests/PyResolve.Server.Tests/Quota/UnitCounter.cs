namespace PyResolve.Server.Tests.Quota;

/// <summary>
/// Counts the units that clients know to be held or used: from the answer to the grant until just before the return is requested. The
/// server may have more, never fewer. Thread-safe.
/// </summary>
internal sealed class UnitCounter
{
    private readonly Lock _gate = new();
    private long _units;

    /// <summary>The maximum so far.</summary>
    public long Most { get; private set; }

    public void Add(int units)
    {
        lock (_gate)
        {
            _units += units;
            Most = Math.Max(Most, _units);
        }
    }

    public void Remove(int units)
    {
        lock (_gate)
            _units -= units;
    }
}
