namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// What a customer has, and should have paid: the price of the plan for every instant at which it could be used. The sums are the
/// test's own.
/// </summary>
internal sealed class PortalPayer(string customer, IReadOnlyList<PortalOffer> order, PortalOffer first, DateTimeOffset start)
{
    private DateTimeOffset _begin = start;
    private DateTimeOffset _end = After(first, start);
    private DateTimeOffset _usedUntil = start;
    private PortalOffer? _next;

    public string Customer => customer;

    /// <summary>What is chosen in each month, one after the other.</summary>
    public IReadOnlyList<PortalOffer> Order => order;

    public string Name => string.Join(", ", order);

    public PortalOffer Current { get; private set; } = first;

    public bool WaitsForChange => _next is not null;

    public decimal Used { get; private set; }

    /// <summary>With what is paid for and not yet used.</summary>
    public decimal UsedAndAhead => Used + Share(_usedUntil, _end);

    /// <summary>Periods end, and what waited for their end begins.</summary>
    public void Advance(DateTimeOffset now)
    {
        while (_end <= now)
        {
            Use(_end);
            (Current, _next) = (_next ?? Current, null);
            (_begin, _end) = (_end, After(Current, _end));
        }

        Use(now);
    }

    public void Choose(PortalOffer offer, DateTimeOffset now)
    {
        var waits = offer.Total < Current.Total || (Current.IsYearly && !offer.IsYearly);
        _next = waits ? offer : null;
        if (waits || offer == Current)
            return;
        if (offer.Interval != Current.Interval)
            (_begin, _end) = (now, After(offer, now));
        Current = offer;
    }

    private void Use(DateTimeOffset until)
    {
        Used += Share(_usedUntil, until);
        _usedUntil = until;
    }

    private decimal Share(DateTimeOffset from, DateTimeOffset until) =>
        Current.Total * (decimal)(until - from).Ticks / (_end - _begin).Ticks;

    private static DateTimeOffset After(PortalOffer offer, DateTimeOffset begin) =>
        offer.IsYearly ? begin.AddYears(1) : begin.AddMonths(1);
}
