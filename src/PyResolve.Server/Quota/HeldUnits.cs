using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// The holds that a group of usage events names: locked in their order, spent in memory in the order in which the events came, and written
/// back at once. What may be spent is decided here and nowhere else.
/// </summary>
internal sealed class HeldUnits
{
    private readonly Dictionary<(Guid UserId, Guid Id), Units> _holds = [];

    /// <summary>Locks what is named, for the rest of the transaction. What the account does not have is left out.</summary>
    public static async Task<HeldUnits> LockAsync(
        Session session, IReadOnlyCollection<(Guid UserId, Guid Id)> named, CancellationToken cancellationToken)
    {
        var units = new HeldUnits();
        if (named.Count == 0)
            return units;
        var names = session.Rows("named", [.. named.Distinct()]).With("user_id", hold => hold.UserId).With("id", hold => hold.Id);
        var holds = await session.ListAsync(
            $"""
            select {Hold.Columns}, user_id
            from reservations
            where (user_id, id) in (select user_id, id from {names})
            order by user_id, id {session.Engine.ForUpdate}
            """,
            // As its row stands: whether it is due depends on when each event came.
            static row => (UserId: row.Uuid(15), Hold: Hold.Read(row, DateTimeOffset.MinValue)),
            cancellationToken);
        foreach (var (userId, hold) in holds)
            units._holds[(userId, hold.Id)] = new Units(hold);
        return units;
    }

    /// <summary>The hold as it was locked, or <see langword="null"/> where the account has none of this id.</summary>
    public Hold? Find(Guid userId, Guid id) => _holds.GetValueOrDefault((userId, id))?.Hold;

    /// <summary>Takes one unit for an event. With its last unit spent, a hold is committed.</summary>
    /// <param name="userId">Whose hold it is.</param>
    /// <param name="id">A hold that <see cref="Find"/> knows.</param>
    /// <param name="usageEventId">The event, which is recorded.</param>
    /// <param name="receivedAt">When the event came.</param>
    /// <returns>Whether there was a unit; otherwise the event came late.</returns>
    public bool Spend(Guid userId, Guid id, Guid usageEventId, DateTimeOffset receivedAt)
    {
        var units = _holds[(userId, id)];
        if (units.Hold.State != ReservationStates.Held || units.Hold.ExpiresAt <= receivedAt)
            return false;
        var remaining = units.Hold.Remaining - 1;
        units.Hold = units.Hold with
        {
            Remaining = remaining,
            State = remaining == 0 ? ReservationStates.Committed : ReservationStates.Held,
            UsageEventId = usageEventId,
        };
        units.Spent++;
        return true;
    }

    /// <summary>Writes what was spent. The caller has locked the rollups of the months that it counts in.</summary>
    public async Task WriteAsync(Session session, CancellationToken cancellationToken)
    {
        List<KeyValuePair<(Guid UserId, Guid Id), Units>> spent = [.. _holds.Where(hold => hold.Value.Spent > 0)];
        if (spent.Count == 0)
            return;
        var holds = session.Rows("spent", spent)
            .With("user_id", hold => hold.Key.UserId)
            .With("id", hold => hold.Key.Id)
            .With("state", hold => hold.Value.Hold.State)
            .With("remaining", hold => hold.Value.Hold.Remaining)
            .With("usage_event_id", hold => hold.Value.Hold.UsageEventId);
        await session.ExecuteAsync(
            $"""
            update reservations
            set state = spent.state, remaining = spent.remaining, usage_event_id = spent.usage_event_id
            from {holds}
            where reservations.user_id = spent.user_id and reservations.id = spent.id
            """,
            cancellationToken);

        var byMonth = spent.GroupBy(hold => (hold.Key.UserId, hold.Value.Hold.Month), hold => hold.Value.Spent);
        var months = session.Rows("spent", [.. byMonth.Select(month => (month.Key.UserId, month.Key.Month, Units: month.Sum()))])
            .With("user_id", month => month.UserId)
            .With("month", month => month.Month)
            .With("units", month => month.Units);
        await session.ExecuteAsync(
            $"""
            update usage_monthly
            set held = usage_monthly.held - spent.units
            from {months}
            where usage_monthly.user_id = spent.user_id and usage_monthly.month = spent.month
            """,
            cancellationToken);
    }

    private sealed class Units(Hold hold)
    {
        public Hold Hold { get; set; } = hold;

        public int Spent { get; set; }
    }
}
