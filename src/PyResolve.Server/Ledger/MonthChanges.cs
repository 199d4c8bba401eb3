namespace PyResolve.Server.Ledger;

/// <summary>What a month counts as used, and as held.</summary>
internal sealed record MonthStanding(long Used, long Held);

/// <summary>What a transaction does to one month of one account.</summary>
internal sealed class MonthChange(Guid userId, string month)
{
    public Guid UserId => userId;

    public string Month => month;

    public long Held { get; private set; }

    public long Lapsed { get; private set; }

    /// <summary>The limit, where units were granted under one.</summary>
    public long? Most { get; private set; }

    public void Settle(Hold before, Hold after)
    {
        Held += after.Remaining - before.Remaining;
        Lapsed += after.Lapsed - before.Lapsed;
    }

    public void Grant(int quantity, long? limit)
    {
        Held += quantity;
        Most = limit;
    }
}

/// <summary>What a transaction does to months, by account and month.</summary>
internal sealed class MonthChanges
{
    private readonly Dictionary<(Guid UserId, string Month), MonthChange> _all = [];

    public IReadOnlyCollection<MonthChange> All => _all.Values;

    public MonthChange this[Guid userId, string month]
    {
        get
        {
            if (!_all.TryGetValue((userId, month), out var change))
                _all[(userId, month)] = change = new MonthChange(userId, month);
            return change;
        }
    }

    public void Settle(Hold before, Hold after) => this[before.UserId, before.Month].Settle(before, after);
}
