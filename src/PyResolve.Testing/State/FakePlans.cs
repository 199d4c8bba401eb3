using PyResolve.Client.Wire;

namespace PyResolve.Testing;

/// <summary>The four plans and what each allows. A test may change a plan: the next request uses the change. Thread-safe.</summary>
public sealed class FakePlans
{
    private readonly Gate _gate;
    private readonly List<PlanInfo> _plans =
    [
        new("free", QuotaLimit.Of(5), LlmAllowed: false, Price: null),
        new("pro", QuotaLimit.Of(50), LlmAllowed: true, new(1900, "usd", "month")),
        new("unlimited", QuotaLimit.Unlimited, LlmAllowed: true, new(4900, "usd", "month")),
        new("enterprise", QuotaLimit.Unlimited, LlmAllowed: true, Price: null),
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

    private int IndexOf(string name) => _plans.FindIndex(plan => plan.Name == name) is var index and >= 0
        ? index
        : throw new ArgumentException($"There is no plan '{name}'. The plans are free, pro, unlimited and enterprise.", nameof(name));
}
