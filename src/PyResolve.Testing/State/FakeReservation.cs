using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <summary>A reservation: <see cref="Remaining"/> units count as held, <see cref="Unsettled"/> units as used without an event.</summary>
internal sealed class FakeReservation
{
    private static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(7);
    private static readonly TimeSpan SettlementWindow = TimeSpan.FromDays(35);
    private bool _isOpen = true;
    private string? _settledState;

    public Guid Id { get; } = Ids.Create();

    public required int Quantity { get; init; }

    public required string Tier { get; init; }

    public string? Library { get; init; }

    public required string Month { get; init; }

    public string? Machine { get; init; }

    public Guid? KeyId { get; init; }

    public bool IsLeased { get; init; }

    public string? OnceKey { get; init; }

    public int OnceAnswers { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; set; }

    public required ReservationReceipt Receipt { get; init; }

    /// <summary>Of its units, those that credits cover, after those of the plan.</summary>
    public int Credits { get; init; }

    /// <summary>Of its units, those that are overage: the last to be spent, and the first to be given back.</summary>
    public int Overage { get; init; }

    public string State { get; private set; } = ReservationStates.Held;

    public required int Remaining { get; set; }

    /// <summary>Units of an ended lease that were neither committed nor released.</summary>
    public int Unsettled { get; private set; }

    public Guid? UsageEventId { get; private set; }

    public DateTimeOffset SettlementDeadline => ExpiresAt + SettlementWindow;

    /// <summary>Whether an event reported now takes a unit that is held or counted as used; otherwise it is late.</summary>
    public bool CoversEvents => Remaining > 0 || Unsettled > 0;

    /// <summary>An expired reservation gives back what remains; a lease gives back only what was released before it expired.</summary>
    public void ExpireIfDue(DateTimeOffset now)
    {
        if (!_isOpen || ExpiresAt > now)
            return;
        Unsettled = IsLeased && _settledState is null ? Remaining : 0;
        End(_settledState ?? ReservationStates.Expired);
    }

    /// <summary>Of the units that are spent, held or lapsed, those beyond the plan.</summary>
    public (int Credits, int Overage) Covered(int spent)
    {
        var ofPlan = Quantity - Credits - Overage;
        var beyond = Math.Min(Quantity, spent + Remaining + Unsettled) - ofPlan;
        var credits = Math.Max(0, Math.Min(beyond, Credits));
        return (credits, Math.Max(0, beyond - Credits));
    }

    /// <param name="spent">Units that events have recorded.</param>
    public ReservationReceipt ReceiptAfter(int spent)
    {
        if (State == ReservationStates.Held || Receipt.Credits is null)
            return Receipt;
        var beyond = spent - (Quantity - Credits - Overage);
        return Receipt with
        {
            ChargedCredits = Math.Max(0, Math.Min(beyond, Credits)),
            ChargedOverage = Math.Max(0, Math.Min(beyond - Credits, Overage)),
        };
    }

    /// <summary>Whether its units are free again at <see cref="ExpiresAt"/>, and not before.</summary>
    public bool ReturnsAtItsEnd => _isOpen && Remaining > 0 && (!IsLeased || _settledState is not null);

    /// <summary>Moves its end, but not beyond the longest lifetime since it was granted.</summary>
    public void Extend(TimeSpan timeToLive, DateTimeOffset now)
    {
        var latest = CreatedAt + LongestLifetime;
        ExpiresAt = now + timeToLive < latest ? now + timeToLive : latest;
    }

    /// <summary>The largest quantity that a commit may record, when events have recorded <paramref name="spent"/> units.</summary>
    public int Available(int spent) => Remaining > 0 ? Remaining : Unsettled > 0 ? Unsettled : Math.Max(0, Quantity - spent);

    /// <summary>Takes one unit for an event. The last one commits the reservation.</summary>
    public void Spend(Guid usageEventId)
    {
        if (!CoversEvents)
            return;
        if (State != ReservationStates.Committed)
            UsageEventId = usageEventId;
        if (Remaining > 0)
            Remaining--;
        else
            Unsettled--;
        if (!CoversEvents)
            End(ReservationStates.Committed);
    }

    /// <summary>Commits a quantity. The rest is given back: of a lease when it expires, otherwise now.</summary>
    public void Commit(int quantity, Guid? usageEventId, DateTimeOffset now)
    {
        UsageEventId = usageEventId;
        if (IsLeased && Remaining > quantity)
        {
            (Remaining, _settledState, State) = (Remaining - quantity, ReservationStates.Committed, ReservationStates.Committed);
            return;
        }

        Unsettled = now <= SettlementDeadline ? 0 : Math.Max(0, Unsettled - quantity);
        End(ReservationStates.Committed);
    }

    /// <summary>Gives the units back: those of a lease when it expires, otherwise now.</summary>
    public void Release()
    {
        if (IsLeased && Remaining > 0)
        {
            (_settledState, State) = (ReservationStates.Released, ReservationStates.Released);
            return;
        }

        Unsettled = 0;
        End(ReservationStates.Released);
    }

    private void End(string state) => (_isOpen, _settledState, Remaining, State) = (false, null, 0, state);
}
