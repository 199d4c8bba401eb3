namespace PyResolve.StripeSimulator.Api;

/// <summary>When a request fails.</summary>
public enum FailureMoment
{
    BeforeEffect,

    /// <summary>After the effect, and after the answer was stored for its idempotency key: only the answer is lost.</summary>
    AfterEffect,
}

/// <param name="Status">0 closes the connection.</param>
/// <param name="ShouldRetry">The header <c>Stripe-Should-Retry</c>; null omits it.</param>
internal sealed record InjectedFailure(int Status, bool? ShouldRetry);

/// <summary>Thread-safe.</summary>
internal sealed class InjectedFailures
{
    private readonly Lock _gate = new();
    private readonly List<Order> _orders = [];
    private Random _random = new(1);
    private TimeSpan _longestDelay;
    private bool _slowsWrites;

    private sealed class Order(InjectedFailure failure, FailureMoment moment, string? route, int left)
    {
        public InjectedFailure Failure => failure;

        public FailureMoment Moment => moment;

        public string? Route => route;

        public int Left { get; set; } = left;
    }

    public void Add(InjectedFailure failure, int count, FailureMoment moment, string? route)
    {
        lock (_gate)
            _orders.Add(new Order(failure, moment, route, count));
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

    public InjectedFailure? Take(string route, FailureMoment moment)
    {
        lock (_gate)
        {
            if (_orders.Find(order => order.Moment == moment && (order.Route is null || order.Route == route)) is not { } order)
                return null;
            if (--order.Left <= 0)
                _orders.Remove(order);
            return order.Failure;
        }
    }

    /// <summary>Delays before and after the request is executed: an answer may be outdated when it arrives.</summary>
    public (TimeSpan Before, TimeSpan After) NextDelay(string method)
    {
        lock (_gate)
        {
            if (_longestDelay <= TimeSpan.Zero || (method != "GET" && !_slowsWrites))
                return default;
#pragma warning disable CA5394 // Random delays that a test can repeat; no secret.
            return (_longestDelay * _random.NextDouble(), _longestDelay * _random.NextDouble());
#pragma warning restore CA5394
        }
    }
}
