using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// The reservations that a transaction deals with: locked in their order, changed in memory in the order in which requests came, and written back
/// at once with the months that they count in.
/// </summary>
internal sealed class LockedReservations
{
    private readonly Dictionary<(Guid UserId, Guid Id), Units> _reservations = [];

    public IEnumerable<StoredReservation> All => _reservations.Values.Select(static units => units.Reservation);

    /// <summary>Locks what is named, for the rest of the transaction. What the account does not have is left out.</summary>
    public static async Task<LockedReservations> LockAsync(
        Session session, IReadOnlyCollection<(Guid UserId, Guid Id)> named, CancellationToken cancellationToken)
    {
        var units = new LockedReservations();
        if (named.Count == 0)
            return units;
        foreach (var reservation in await ReservationRows.LockAsync(session, [.. named.Distinct()], cancellationToken))
            units._reservations[(reservation.UserId, reservation.Id)] = new Units(reservation);
        return units;
    }

    /// <summary>The reservation as it stands in this transaction, or <see langword="null"/> where the account has none of this id.</summary>
    public StoredReservation? Find(Guid userId, Guid id) => _reservations.GetValueOrDefault((userId, id))?.Reservation;

    public void Become(StoredReservation after) => _reservations[(after.UserId, after.Id)].Reservation = after;

    /// <summary>Takes one unit for an event.</summary>
    /// <param name="userId">Whose reservation it is.</param>
    /// <param name="id">A reservation that <see cref="Find"/> knows.</param>
    /// <param name="usageEventId">The event, which is recorded.</param>
    /// <param name="receivedAt">When the event came.</param>
    /// <returns>Whether there was a unit; otherwise the event came late.</returns>
    public bool Spend(Guid userId, Guid id, Guid usageEventId, DateTimeOffset receivedAt)
    {
        var units = _reservations[(userId, id)];
        var reservation = units.Reservation.At(receivedAt);
        units.Reservation = reservation.Spend(usageEventId);
        return reservation.Covers;
    }

    /// <summary>Writes what has changed. The caller has locked the rollups of the months that it counts in.</summary>
    public IEnumerable<Sql> Write(Session session)
    {
        var months = new MonthChanges();
        var changed = new List<StoredReservation>();
        foreach (var units in _reservations.Values.Where(static units => !ReferenceEquals(units.Reservation, units.Stored)))
        {
            changed.Add(units.Reservation);
            months.Settle(units.Stored, units.Reservation);
        }

        return ReservationRows.Settle(session, changed, months);
    }

    private sealed class Units(StoredReservation stored)
    {
        public StoredReservation Stored { get; } = stored;

        public StoredReservation Reservation { get; set; } = stored;
    }
}
