using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>An account's own reservations, the newest first, and when what they hold comes back.</summary>
internal sealed class ReservationList(Database database, TimeProvider time)
{
    public const int PageSize = 100;

    private static readonly string[] States =
        [ReservationStates.Held, ReservationStates.Committed, ReservationStates.Released, ReservationStates.Expired];

    public static bool IsState(string text) => States.Contains(text, StringComparer.Ordinal);

    /// <param name="state">null: all states.</param>
    /// <param name="before">The last reservation of the page before; null: the first page.</param>
    /// <returns>One more than a page where another page follows.</returns>
    public async Task<List<StoredReservation>> ReadAsync(
        Guid userId, string? state, Guid? before, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var reservations = await database.OfAccount(userId).ListAsync(
            $"""
            select {StoredReservation.Columns} from reservations
            where user_id = {userId} and id < {before ?? Guid.AllBitsSet} {Filter(state, now)}
            order by id desc
            limit {PageSize + 1}
            """,
            StoredReservation.Read,
            cancellationToken);
        return [.. reservations.Select(reservation => reservation.At(now))];
    }

    /// <summary>
    /// Finds when the earliest reservation of this month ends that gives its units back then. A lease gives back nothing when it ends,
    /// unless it was settled before.
    /// </summary>
    public async Task<DateTimeOffset?> FindEarliestEndAsync(Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var earliest = await database.OfAccount(userId).FirstAsync(
            $"""
            select expires_at from reservations
            where user_id = {userId} and state = 'held' and expires_at > {now} and month = {now.ToMonth()} and remaining > 0
              and (not leased or settled_as is not null)
            order by expires_at
            limit 1
            """,
            static row => new End(row.Instant(0)),
            cancellationToken);
        return earliest?.At;
    }

    /// <summary>The SQL for what <see cref="StoredReservation.At"/> and <see cref="StoredReservation.State"/> say of a row.</summary>
    private static SqlPart? Filter(string? state, DateTimeOffset now)
    {
        if (state is null)
            return null;
        var isRunning = new SqlPart($"(state = 'held' and expires_at > {now})");
        return state switch
        {
            ReservationStates.Held => new SqlPart($"and {isRunning} and settled_as is null"),
            ReservationStates.Expired => new SqlPart(
                $"and (state = 'expired' or (state = 'held' and expires_at <= {now} and settled_as is null))"),
            _ => new SqlPart($"and (state = {state} or (state = 'held' and settled_as = {state}))"),
        };
    }

    private sealed record End(DateTimeOffset At);
}
