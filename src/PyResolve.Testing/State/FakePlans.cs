using PyResolve.Client.Wire;

namespace PyResolve.Testing;

/// <summary>The four plans and what each allows. A test may change a plan: the next request uses the change. Thread-safe.</summary>
public sealed class FakePlans
{
    private readonly Gate _gate;
    private readonly List<PlanInfo> _plans =
    [
        new("free", QuotaLimit.Of(5), LlmAllowed: false, Price: null) { Title = "Free" },
        Sold("pro", "Pro", QuotaLimit.Of(50), 1900),
        Sold("unlimited", "Unlimited", QuotaLimit.Unlimited, 4900),
        new("enterprise", QuotaLimit.Unlimited, LlmAllowed: true, Price: null) { Title = "Enterprise" },
    ];

    internal FakePlans(Gate gate) => _gate = gate;

    /// <summary>A plan by its name. Setting it changes what the plan allows; its name stays.</summary>
    /// <param name="name"><c>free</c>, <c>pro</c>, <c>unlimited</c> or <c>enterprise</c>.</param>
    /// <exception cref="ArgumentException">There is no plan with this name.</exception>
    public PlanInfo this[string name]
    {
        get
        {
            lock (_gate)
                return _plans[IndexOf(name)];
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            lock (_gate)
                _plans[IndexOf(name)] = value with { Name = name };
        }
    }

    internal IReadOnlyList<PlanInfo> InOrder => _plans;

    private static PlanInfo Sold(string name, string title, QuotaLimit limit, long amount)
    {
        var price = new PlanPrice(amount, "usd", "month");
        return new(name, limit, LlmAllowed: true, price) { Title = title, Prices = [price] };
    }

    private int IndexOf(string name) => _plans.FindIndex(plan => plan.Name == name) is var index and >= 0
        ? index
        : throw new ArgumentException($"There is no plan '{name}'. The plans are free, pro, unlimited and enterprise.", nameof(name));
}
