using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>Holds on quota: granted, committed, released, each exactly once.</summary>
internal sealed class Reservations(Database database, HoldGroup holds, SettlementGroup settlements, TimeProvider time)
{
    /// <summary>Grants a hold, or says why not.</summary>
    public async Task<HoldOutcome> HoldAsync(Guid userId, HoldRequest wanted, string? idempotencyKey, CancellationToken cancellationToken)
    {
        // Only a retry is ever compared with the first of its key.
        var digest = idempotencyKey is null ? [] : RequestDigests.Of(wanted);
        var outcome = await holds.DecideAsync(new HoldItem(userId, wanted, idempotencyKey, digest), cancellationToken);
        return outcome is HoldOutcome.AccountIsGone ? throw AccountGone.Exception() : outcome;
    }

    public async Task<Hold?> FindAsync(Guid userId, Guid id, CancellationToken cancellationToken)
    {
        var hold = await database.FirstAsync(
            $"select {Hold.Columns} from reservations where user_id = {userId} and id = {id}", Hold.Read, cancellationToken);
        return hold?.At(time.GetInstant());
    }

    /// <summary>Turns a hold into one usage event and gives back what is left. A commit after expiry or release records too, flagged late.</summary>
    public Task<SettlementOutcome> CommitAsync(Guid userId, Guid id, CommitRequest commit, CancellationToken cancellationToken) =>
        settlements.SettleAsync(new Settlement(userId, id, commit), cancellationToken);

    /// <summary>Gives a hold back. Doing so again, or after it expired, changes nothing more.</summary>
    public Task<SettlementOutcome> ReleaseAsync(Guid userId, Guid id, CancellationToken cancellationToken) =>
        settlements.SettleAsync(new Settlement(userId, id, Commit: null), cancellationToken);
}
