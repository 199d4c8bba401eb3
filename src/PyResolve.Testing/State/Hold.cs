using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <summary>A reservation. What a month holds is the sum of <see cref="Remaining"/>; what it counts as used without an event, of <see cref="Lapsed"/>.</summary>
internal sealed class Hold
{
    private static readonly TimeSpan SettlementWindow = TimeSpan.FromDays(35);
    private bool _holds = true;
    private string? _settledAs;

    public Guid Id { get; } = Ids.Create();

    public required int Quantity { get; init; }

    public required string Tier { get; init; }

    public string? Library { get; init; }

    public required string Month { get; init; }

    public string? Machine { get; init; }

    public bool IsLeased { get; init; }

    public string? OnceKey { get; init; }

    public int OnceAnswers { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public required ReservationReceipt Receipt { get; init; }

    public string State { get; private set; } = ReservationStates.Held;

    public int Remaining { get; private set; }

    public int Lapsed { get; private set; }

    public Guid? UsageEventId { get; private set; }

    public DateTimeOffset RefundedUntil => ExpiresAt + SettlementWindow;

    /// <summary>Whether what is reported now is covered by units that are held, or counted as used already. If not, it is late.</summary>
    public bool Covers => Remaining > 0 || Lapsed > 0;

    /// <summary>Begins to hold.</summary>
    public Hold Granted()
    {
        Remaining = Quantity;
        return this;
    }

    /// <summary>Ends it when its time is over: a hold gives back what is left, a lease only what was returned.</summary>
    public void Settle(DateTimeOffset now)
    {
        if (!_holds || ExpiresAt > now)
            return;
        Lapsed = IsLeased && _settledAs is null ? Remaining : 0;
        End(_settledAs ?? ReservationStates.Expired);
    }

    /// <summary>What a commit may still record.</summary>
    /// <param name="spent">What events have recorded of it.</param>
    public int Available(int spent) => Remaining > 0 ? Remaining : Lapsed > 0 ? Lapsed : Math.Max(0, Quantity - spent);

    /// <summary>One event that names it takes one unit. With its last unit spent, it is committed.</summary>
    public void Spend(Guid usageEventId)
    {
        if (!Covers)
            return;
        if (State != ReservationStates.Committed)
            UsageEventId = usageEventId;
        if (Remaining > 0)
            Remaining--;
        else
            Lapsed--;
        if (!Covers)
            End(ReservationStates.Committed);
    }

    /// <summary>One event settles it; what is left goes back, of a lease when it ends.</summary>
    public void Commit(int quantity, Guid? usageEventId, DateTimeOffset now)
    {
        UsageEventId = usageEventId;
        if (IsLeased && Remaining > quantity)
        {
            (Remaining, _settledAs, State) = (Remaining - quantity, ReservationStates.Committed, ReservationStates.Committed);
            return;
        }

        Lapsed = now <= RefundedUntil ? 0 : Math.Max(0, Lapsed - quantity);
        End(ReservationStates.Committed);
    }

    /// <summary>Gives it back: a lease's units when it ends, those of an ended lease at once.</summary>
    public void Release()
    {
        if (IsLeased && Remaining > 0)
        {
            (_settledAs, State) = (ReservationStates.Released, ReservationStates.Released);
            return;
        }

        Lapsed = 0;
        End(ReservationStates.Released);
    }

    private void End(string state) => (_holds, _settledAs, Remaining, State) = (false, null, 0, state);
}
