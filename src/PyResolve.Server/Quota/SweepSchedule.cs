using PyResolve.Server.Hosting;

namespace PyResolve.Server.Quota;

/// <summary>
/// When the next reservation ends, as far as this instance knows: what the store had when it was last asked, and what was granted here
/// since. Thread-safe.
/// </summary>
internal sealed class SweepSchedule
{
    private readonly Lock _gate = new();
    private DateTimeOffset? _next;
    private DateTimeOffset? _granted;

    /// <summary>Signalled when something ends earlier than was known.</summary>
    public WakeSignal Wake { get; } = new();

    public DateTimeOffset? Next
    {
        get
        {
            lock (_gate)
                return _next;
        }
    }

    /// <summary>Notes that a reservation which this instance granted ends then.</summary>
    public void Expect(DateTimeOffset end)
    {
        lock (_gate)
        {
            _granted = Earliest(_granted, end);
            if (_next <= end)
                return;
            _next = end;
        }

        Wake.Set();
    }

    /// <summary>Called before the store is asked: the answer may lack what is granted from now on.</summary>
    public void Begin()
    {
        lock (_gate)
            _granted = null;
    }

    /// <param name="next">What the store answered; null: nothing is held.</param>
    public void SetNext(DateTimeOffset? next)
    {
        lock (_gate)
            _next = Earliest(_granted, next);
    }

    private static DateTimeOffset? Earliest(DateTimeOffset? one, DateTimeOffset? other) => one <= other || other is null ? one : other;
}
