namespace PyResolve.Server.Ledger;

/// <summary>
/// The totals of a month. <c>Used</c> includes units that lapsed; <c>Extra</c> are those that an operator gave beside the plan's.
/// </summary>
internal sealed record MonthTotals(long Used, long Held, long Extra)
{
    /// <summary>The used and held units that credits cover.</summary>
    public long Credits { get; init; }

    /// <summary>The used and held units that are overage.</summary>
    public long Overage { get; init; }
}

internal sealed class MonthChange(Guid userId, string month)
{
    public Guid UserId => userId;

    public string Month => month;

    public long Held { get; private set; }

    public long Lapsed { get; private set; }

    public long Credits { get; private set; }

    public long Overage { get; private set; }

    /// <summary>The most units that may be used and held. Set where units were granted under a plan's limit.</summary>
    public long? Limit { get; private set; }

    public bool MovesBeyond => Credits != 0 || Overage != 0;

    public void Settle(StoredReservation before, StoredReservation after)
    {
        Held += after.Remaining - before.Remaining;
        Lapsed += after.Lapsed - before.Lapsed;
        if (after.Beyond is { Change: var change })
        {
            Credits += change.Credits;
            Overage += change.Overage;
        }
    }

    public void Grant(int quantity, long? limit, BeyondPlan? beyond = null)
    {
        Held += quantity;
        Limit = limit;
        Credits += beyond?.Credits ?? 0;
        Overage += beyond?.Overage ?? 0;
    }
}

internal sealed class MonthChanges
{
    private readonly Dictionary<(Guid UserId, string Month), MonthChange> _all = [];

    public IReadOnlyCollection<MonthChange> All => _all.Values;

    /// <summary>The months in which units count as used from now on, although nothing was reported.</summary>
    public IEnumerable<(Guid UserId, string Month)> Lapsed =>
        _all.Values.Where(static change => change.Lapsed > 0).Select(static change => (change.UserId, change.Month));

    public MonthChange this[Guid userId, string month]
    {
        get
        {
            if (!_all.TryGetValue((userId, month), out var change))
                _all[(userId, month)] = change = new MonthChange(userId, month);
            return change;
        }
    }

    public void Settle(StoredReservation before, StoredReservation after) => this[before.UserId, before.Month].Settle(before, after);
}
