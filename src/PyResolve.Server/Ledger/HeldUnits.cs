using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// The holds that a transaction deals with: locked in their order, changed in memory in the order in which requests came, and written back
/// at once with the months that they count in.
/// </summary>
internal sealed class HeldUnits
{
    private readonly Dictionary<(Guid UserId, Guid Id), Units> _holds = [];

    public IEnumerable<Hold> All => _holds.Values.Select(static units => units.Hold);

    /// <summary>Locks what is named, for the rest of the transaction. What the account does not have is left out.</summary>
    public static async Task<HeldUnits> LockAsync(
        Session session, IReadOnlyCollection<(Guid UserId, Guid Id)> named, CancellationToken cancellationToken)
    {
        var units = new HeldUnits();
        if (named.Count == 0)
            return units;
        foreach (var hold in await HoldRows.LockAsync(session, [.. named.Distinct()], cancellationToken))
            units._holds[(hold.UserId, hold.Id)] = new Units(hold);
        return units;
    }

    /// <summary>The hold as it stands in this transaction, or <see langword="null"/> where the account has none of this id.</summary>
    public Hold? Find(Guid userId, Guid id) => _holds.GetValueOrDefault((userId, id))?.Hold;

    public void Become(Hold after) => _holds[(after.UserId, after.Id)].Hold = after;

    /// <summary>Takes one unit for an event.</summary>
    /// <param name="userId">Whose hold it is.</param>
    /// <param name="id">A hold that <see cref="Find"/> knows.</param>
    /// <param name="usageEventId">The event, which is recorded.</param>
    /// <param name="receivedAt">When the event came.</param>
    /// <returns>Whether there was a unit; otherwise the event came late.</returns>
    public bool Spend(Guid userId, Guid id, Guid usageEventId, DateTimeOffset receivedAt)
    {
        var units = _holds[(userId, id)];
        var hold = units.Hold.At(receivedAt);
        units.Hold = hold.Spend(usageEventId);
        return hold.Covers;
    }

    /// <summary>Writes what has changed. The caller has locked the rollups of the months that it counts in.</summary>
    public IEnumerable<Sql> Write(Session session)
    {
        var months = new MonthChanges();
        var changed = new List<Hold>();
        foreach (var units in _holds.Values.Where(static units => !ReferenceEquals(units.Hold, units.Stored)))
        {
            changed.Add(units.Hold);
            months.Settle(units.Stored, units.Hold);
        }

        return HoldRows.Settle(session, changed, months);
    }

    private sealed class Units(Hold stored)
    {
        public Hold Stored { get; } = stored;

        public Hold Hold { get; set; } = stored;
    }
}
