using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>The reservations of one transaction: locked in key order, changed in memory in request order, written back together.</summary>
internal sealed class LockedReservations
{
    private readonly Dictionary<(Guid UserId, Guid Id), Entry> _entries = [];
    private Func<Guid, bool> _mayBeLost = static _ => false;

    public IEnumerable<StoredReservation> All => _entries.Values.Select(static entry => entry.Current);

    public IEnumerable<(Guid UserId, string Month)> Months => All.Select(static reservation => (reservation.UserId, reservation.Month));

    /// <summary>Locks reservations. Ids that the account does not have are left out.</summary>
    public static async Task<LockedReservations> LockAsync(
        Session session, IReadOnlyCollection<(Guid UserId, Guid Id)> keys, CancellationToken cancellationToken)
    {
        var locked = new LockedReservations();
        if (keys.Count == 0)
            return locked;
        foreach (var reservation in await ReservationRows.LockAsync(session, [.. keys.Distinct()], cancellationToken))
            locked._entries[(reservation.UserId, reservation.Id)] = new Entry(reservation);
        if (keys.Any(key => !locked._entries.ContainsKey(key)))
            locked._mayBeLost = await StoreHistory.ReadAsync(session, cancellationToken);
        return locked;
    }

    public StoredReservation? Find(Guid userId, Guid id) => _entries.GetValueOrDefault((userId, id))?.Current;

    /// <summary>Whether a reservation is missing that the store may have had before it lost its last changes.</summary>
    public bool MayBeLost(Guid userId, Guid id) => Find(userId, id) is null && _mayBeLost(id);

    public void Update(StoredReservation after) => _entries[(after.UserId, after.Id)].Current = after;

    /// <summary>Takes one unit of a reservation that <see cref="Find"/> knows. Without a unit left, the event is late.</summary>
    /// <param name="charge">Set where the plan's quota does not cover the unit.</param>
    public bool Spend(Guid userId, Guid id, Guid usageEventId, DateTimeOffset receivedAt, out Charge? charge)
    {
        var entry = _entries[(userId, id)];
        var reservation = entry.Current.At(receivedAt);
        var sources = reservation.SourcesOf(1);
        charge = sources.IsPlanOnly ? null : new Charge(userId, usageEventId, reservation.Plan, sources, receivedAt);
        entry.Current = reservation.Spend(usageEventId);
        return reservation.Covers;
    }

    /// <summary>Writes the changed reservations. The caller has locked the rollups of the months concerned.</summary>
    public IEnumerable<Sql> Write(Session session)
    {
        var months = new MonthChanges();
        var changed = new List<StoredReservation>();
        foreach (var entry in _entries.Values.Where(static entry => !ReferenceEquals(entry.Current, entry.Stored)))
        {
            changed.Add(entry.Current);
            months.Settle(entry.Stored, entry.Current);
        }

        return ReservationRows.Settle(session, changed, months);
    }

    private sealed class Entry(StoredReservation stored)
    {
        public StoredReservation Stored { get; } = stored;

        public StoredReservation Current { get; set; } = stored;
    }
}
