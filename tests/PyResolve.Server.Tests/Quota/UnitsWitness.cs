namespace PyResolve.Server.Tests.Quota;

/// <summary>
/// Counts the units that clients know to be held or used, without asking the server: a unit counts from when its grant is answered until just
/// before its return is asked for. The server may have more alive at that moment, never fewer. Thread-safe.
/// </summary>
internal sealed class UnitsWitness
{
    private readonly Lock _gate = new();
    private long _alive;

    /// <summary>The most that there were at any moment.</summary>
    public long Most { get; private set; }

    public void Granted(int units)
    {
        lock (_gate)
        {
            _alive += units;
            Most = Math.Max(Most, _alive);
        }
    }

    public void GivingBack(int units)
    {
        lock (_gate)
            _alive -= units;
    }
}
