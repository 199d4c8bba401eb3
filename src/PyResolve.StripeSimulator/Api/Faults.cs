namespace PyResolve.StripeSimulator.Api;

/// <summary>Where in a request a fault strikes.</summary>
public enum FaultMoment
{
    /// <summary>Before anything is done.</summary>
    BeforeEffect,

    /// <summary>After it is done and kept for its idempotency key: the answer is what gets lost.</summary>
    AfterEffect,
}

/// <summary>Trouble that a test or a person ordered for the API. Thread-safe.</summary>
internal sealed class Faults
{
    private readonly Lock _gate = new();
    private readonly List<Fault> _ordered = [];
    private Random _random = new(1);
    private TimeSpan _longestDelay;
    private bool _slowsWrites;

    private sealed class Fault(string? route, int status, FaultMoment moment, int left)
    {
        public string? Route => route;

        public int Status => status;

        public FaultMoment Moment => moment;

        public int Left { get; set; } = left;
    }

    /// <param name="count">How many requests.</param>
    /// <param name="status">The answer; 0 cuts the connection.</param>
    /// <param name="moment">Before or after the effect.</param>
    /// <param name="route">As in the parameter table; null for any.</param>
    public void Order(int count, int status, FaultMoment moment, string? route)
    {
        lock (_gate)
            _ordered.Add(new Fault(route, status, moment, count));
    }

    public void SlowDown(TimeSpan longest, int seed, bool writes)
    {
        lock (_gate)
        {
            _longestDelay = longest;
            _slowsWrites = writes;
            _random = new Random(seed);
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _ordered.Clear();
            _longestDelay = TimeSpan.Zero;
        }
    }

    public int? Take(string route, FaultMoment moment)
    {
        lock (_gate)
        {
            if (_ordered.Find(fault => fault.Moment == moment && (fault.Route is null || fault.Route == route)) is not { } fault)
                return null;
            if (--fault.Left <= 0)
                _ordered.Remove(fault);
            return fault.Status;
        }
    }

    /// <summary>How long this request takes, before and after it looks: what it saw may be old when it arrives.</summary>
    public (TimeSpan Before, TimeSpan After) DelayOf(string method)
    {
        lock (_gate)
        {
            if (_longestDelay <= TimeSpan.Zero || (method != "GET" && !_slowsWrites))
                return default;
#pragma warning disable CA5394 // Chance that a test can repeat; nothing secret.
            return (_longestDelay * _random.NextDouble(), _longestDelay * _random.NextDouble());
#pragma warning restore CA5394
        }
    }
}
