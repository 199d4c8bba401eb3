namespace PyResolve.StripeSimulator.Api;

/// <param name="Status">The answer; 0 cuts the connection.</param>
/// <param name="ShouldRetry">The header <c>Stripe-Should-Retry</c>; left out where null.</param>
internal sealed record Fault(int Status, bool? ShouldRetry);

/// <summary>Trouble that a test or a person ordered for the API. Thread-safe.</summary>
internal sealed class Faults
{
    private readonly Lock _gate = new();
    private readonly List<Order> _orders = [];
    private Random _random = new(1);
    private TimeSpan _longestDelay;
    private bool _slowsWrites;

    private sealed class Order(Fault fault, FaultMoment moment, string? route, int left)
    {
        public Fault Fault => fault;

        public FaultMoment Moment => moment;

        public string? Route => route;

        public int Left { get; set; } = left;
    }

    /// <param name="fault">What happens.</param>
    /// <param name="count">To how many requests.</param>
    /// <param name="moment">Before or after the effect.</param>
    /// <param name="route">As in the parameter table; null for any.</param>
    public void Add(Fault fault, int count, FaultMoment moment, string? route)
    {
        lock (_gate)
            _orders.Add(new Order(fault, moment, route, count));
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
            _orders.Clear();
            _longestDelay = TimeSpan.Zero;
        }
    }

    public Fault? Take(string route, FaultMoment moment)
    {
        lock (_gate)
        {
            if (_orders.Find(order => order.Moment == moment && (order.Route is null || order.Route == route)) is not { } order)
                return null;
            if (--order.Left <= 0)
                _orders.Remove(order);
            return order.Fault;
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
