using PyResolve.Server.Ledger;

namespace PyResolve.Server.Tests.Quota;

/// <summary>A simple model of one account's quota, unit by unit.</summary>
internal sealed class QuotaModel
{
    private readonly List<Reservation> _reservations = [];
    private readonly Dictionary<string, long> _usedWithoutReservation = [];

    /// <summary><see langword="null"/>: unlimited.</summary>
    public long? Limit { get; set; } = 5;

    public int Count => _reservations.Count;

    public long Used(string month) =>
        _usedWithoutReservation.GetValueOrDefault(month) + Units(month).Count(unit => unit is Unit.Used or Unit.Lapsed);

    public long Held(string month) => Units(month).Count(unit => unit is Unit.Held);

    public bool Reserve(int quantity, string month, DateTimeOffset now, DateTimeOffset expiresAt, bool isLeased)
    {
        if (Used(month) + Held(month) + quantity > Limit)
            return false;
        _reservations.Add(new Reservation(month, now.AddDays(7), expiresAt, isLeased, [.. Enumerable.Repeat(Unit.Held, quantity)]));
        return true;
    }

    public void MoveTo(DateTimeOffset now)
    {
        foreach (var reservation in _reservations.Where(reservation => reservation.ExpiresAt <= now))
            reservation.Turn(Unit.Held, reservation.IsLeased && !reservation.IsReturned ? Unit.Lapsed : Unit.Back);
    }

    /// <returns>When it ends, if that was changed.</returns>
    public DateTimeOffset? Extend(int index, DateTimeOffset expiresAt)
    {
        var reservation = _reservations[index];
        if (reservation.IsLeased || reservation.IsReturned || reservation.Count(Unit.Held) == 0)
            return null;
        return reservation.ExpiresAt = expiresAt < reservation.LatestEnd ? expiresAt : reservation.LatestEnd;
    }

    /// <returns>The status that answers it.</returns>
    public int Commit(int index, int? quantity)
    {
        var reservation = _reservations[index];
        if (reservation.IsCommitted)
            return 200;
        var available = reservation.Count(Unit.Held) is > 0 and var held ? held
            : reservation.Count(Unit.Lapsed) is > 0 and var lapsed ? lapsed
            : Math.Max(0, reservation.Units.Length - reservation.Reported);
        if (quantity > available)
            return 422;
        for (var i = 0; i < (quantity ?? available); i++)
            Report(index);
        reservation.Settle(isCommitted: true);
        return 200;
    }

    /// <returns>The status that answers it.</returns>
    public int Release(int index)
    {
        if (_reservations[index].IsCommitted)
            return 409;
        _reservations[index].Settle(isCommitted: false);
        return 200;
    }

    /// <summary>One event that names the reservation.</summary>
    public void Report(int index)
    {
        var reservation = _reservations[index];
        reservation.Reported++;
        if (!reservation.TurnOne(Unit.Held, Unit.Used) && !reservation.TurnOne(Unit.Lapsed, Unit.Used))
            Use(reservation.Month);
        else if (reservation.Count(Unit.Held) + reservation.Count(Unit.Lapsed) == 0)
            reservation.IsCommitted = true;
    }

    public void Use(string month) => _usedWithoutReservation[month] = _usedWithoutReservation.GetValueOrDefault(month) + 1;

    private IEnumerable<Unit> Units(string month) =>
        _reservations.Where(reservation => reservation.Month == month).SelectMany(reservation => reservation.Units);

    private enum Unit
    {
        Held,
        Used,
        Back,
        Lapsed,
    }

    private sealed class Reservation(string month, DateTimeOffset latestEnd, DateTimeOffset expiresAt, bool isLeased, Unit[] units)
    {
        public string Month => month;

        public DateTimeOffset LatestEnd => latestEnd;

        public DateTimeOffset ExpiresAt { get; set; } = expiresAt;

        public bool IsLeased => isLeased;

        public Unit[] Units => units;

        public bool IsReturned { get; private set; }

        public bool IsCommitted { get; set; }

        public int Reported { get; set; }

        public int Count(Unit what) => units.Count(unit => unit == what);

        public void Turn(Unit from, Unit to)
        {
            while (TurnOne(from, to))
            {
            }
        }

        public bool TurnOne(Unit from, Unit to)
        {
            var at = Array.IndexOf(units, from);
            if (at >= 0)
                units[at] = to;
            return at >= 0;
        }

        /// <summary>A lease keeps its units until it ends.</summary>
        public void Settle(bool isCommitted)
        {
            IsReturned = true;
            IsCommitted |= isCommitted;
            if (!isLeased)
                Turn(Unit.Held, Unit.Back);
            Turn(Unit.Lapsed, Unit.Back);
        }
    }
}
