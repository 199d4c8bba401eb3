using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Quota;

/// <summary>What an account may still use this month, while its rows are locked.</summary>
/// <param name="plan">With the extra units of the month.</param>
/// <param name="totals">Of the month.</param>
/// <param name="grants">Its credits, in the order in which they are drawn.</param>
/// <param name="overage">As the account set it; null: none.</param>
/// <param name="overageEnds">When no subscription may bill overage any more; null: that is not known.</param>
internal sealed class AccountUnits(
    Plan plan, MonthTotals totals, IEnumerable<CreditGrant> grants, ChosenOverage? overage, DateTimeOffset? overageEnds)
{
    private readonly List<CreditGrant> _grants = plan.DrawsCredits ? [.. grants] : [];
    private long _credits = totals.Credits;
    private long _overage = totals.Overage;

    public Plan Plan => plan;

    public long Used { get; private set; } = totals.Used;

    public long Held { get; private set; } = totals.Held;

    public DateTimeOffset? OverageEnds => overageEnds;

    private long CreditsLeft => CreditGrant.LeftOf(_grants);

    private long OverageLeft => Math.Max(0, plan.OverageLimit(overage) - _overage);

    public QuotaUnits Units => new(Used, Held)
    {
        CoveredByCredits = _credits,
        Overage = _overage,
        CreditsLeft = CreditsLeft,
        OverageLimit = plan.OverageLimit(overage),
    };

    /// <summary>The units beyond the plan's quota that are or could be covered, for a reservation with this end.</summary>
    public long BeyondUntil(DateTimeOffset end) => _credits + _overage + CreditsLeft + OverageUntil(end);

    /// <summary>
    /// The overage that a reservation with this end may draw: none where it outlives the subscription, since nothing would bill it.
    /// </summary>
    private long OverageUntil(DateTimeOffset end) => end > overageEnds ? 0 : OverageLeft;

    /// <summary>The units of a request that the plan's quota does not cover; null: none.</summary>
    /// <param name="quantity">Asked for.</param>
    /// <param name="end">Of the reservation.</param>
    /// <param name="isEnough">Whether quota, credits and overage cover all of them.</param>
    public BeyondPlan? Draw(int quantity, DateTimeOffset end, out bool isEnough)
    {
        var missing = plan.MigrationsLimit is { } limit
            ? quantity - Math.Clamp(limit + _credits + _overage - Used - Held, 0, quantity)
            : 0;
        isEnough = missing <= CreditsLeft + OverageUntil(end);
        if (missing == 0 || !isEnough)
            return null;
        var ofCredits = Math.Min(missing, CreditsLeft);
        var ofOverage = missing - ofCredits;
        var draws = new List<CreditDraw>();
        foreach (var grant in _grants)
        {
            var units = (int)Math.Min(grant.Left, ofCredits);
            if (units > 0)
                draws.Add(new CreditDraw(grant.Id, units));
            ofCredits -= units;
        }

        return new BeyondPlan((int)(quantity - missing), draws, (int)ofOverage);
    }

    public void Reserve(int quantity, BeyondPlan? beyond)
    {
        Held += quantity;
        if (beyond is null)
            return;
        Move(beyond.Draws, sign: 1);
        _overage += beyond.Overage;
    }

    /// <summary>Counts a reservation that is settled. One of another month gives back only credits.</summary>
    public void Settle(StoredReservation before, StoredReservation after, bool isOfMonth)
    {
        if (isOfMonth)
        {
            Used += after.Lapsed - before.Lapsed;
            Held += after.Remaining - before.Remaining;
        }

        if (after.Beyond is not { } beyond)
            return;
        Move(beyond.ReturnedCredits, sign: -1);
        if (isOfMonth)
            _overage += beyond.Change.Overage;
        else
            _credits -= beyond.Change.Credits;
    }

    private void Move(IReadOnlyList<CreditDraw> draws, int sign)
    {
        foreach (var draw in draws)
        {
            _credits += sign * draw.Units;
            var index = _grants.FindIndex(grant => grant.Id == draw.GrantId);
            if (index >= 0)
                _grants[index] = _grants[index] with { Drawn = _grants[index].Drawn + (sign * draw.Units) };
        }
    }
}
