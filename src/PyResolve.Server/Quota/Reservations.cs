using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>Holds on quota: granted, committed, released, each exactly once.</summary>
internal sealed class Reservations(Database database, ReservationGrants reservations, ReservationSettlements settlements, TimeProvider time)
{
    /// <summary>Grants a reservation, or says why not.</summary>
    public async Task<ReservationOutcome> HoldAsync(Guid userId, HoldRequest wanted, string? idempotencyKey, CancellationToken cancellationToken)
    {
        // Only a retry is ever compared with the first of its key.
        var digest = idempotencyKey is null ? [] : RequestDigests.Of(wanted);
        var outcome = await reservations.DecideAsync(new PendingReservation(userId, wanted, idempotencyKey, digest), cancellationToken);
        return outcome is ReservationOutcome.AccountIsGone ? throw AccountGone.Exception() : outcome;
    }

    public async Task<StoredReservation?> FindAsync(Guid userId, Guid id, CancellationToken cancellationToken)
    {
        var reservation = await database.FirstAsync(
            $"select {StoredReservation.Columns} from reservations where user_id = {userId} and id = {id}", StoredReservation.Read, cancellationToken);
        return reservation?.At(time.GetInstant());
    }

    /// <summary>Turns a reservation into one usage event and gives back what is left. A commit after expiry or release records too, flagged late.</summary>
    public Task<SettlementOutcome> CommitAsync(Guid userId, Guid id, CommitRequest commit, CancellationToken cancellationToken) =>
        settlements.SettleAsync(new Settlement(userId, id, commit), cancellationToken);

    /// <summary>Gives a reservation back. Doing so again, or after it expired, changes nothing more.</summary>
    public Task<SettlementOutcome> ReleaseAsync(Guid userId, Guid id, CancellationToken cancellationToken) =>
        settlements.SettleAsync(new Settlement(userId, id, Commit: null), cancellationToken);
}
