using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

internal sealed record Extension(Guid UserId, Guid Id, TimeSpan TimeToLive)
{
    public (Guid UserId, Guid Id) Key => (UserId, Id);
}

/// <summary>
/// Extends many reservations in one transaction. It locks the accounts first, as grants do: a grant that finds a reservation expired, and
/// gives its units or its once_key to another, and an extension of it are decided one after the other.
/// </summary>
internal sealed class ReservationExtensions : IAsyncDisposable
{
    private readonly Database _database;
    private readonly CreditOrigins _origins;
    private readonly SweepSchedule _sweeps;
    private readonly TimeProvider _time;
    private readonly GroupCommit<Extension, ExtensionOutcome> _group;

    public ReservationExtensions(Database database, CreditOrigins origins, SweepSchedule sweeps, TimeProvider time)
    {
        (_database, _origins, _sweeps, _time) = (database, origins, sweeps, time);
        _group = new GroupCommit<Extension, ExtensionOutcome>(
            ReservationGroups.Limits, FlushAsync, findShard: database.FindShardAsync, timeout: database.WriteTimeout);
    }

    public async Task<ExtensionOutcome> ExtendAsync(Extension extension, CancellationToken cancellationToken)
    {
        var outcome = (await _group.SubmitAsync(extension.UserId, [extension], 256, cancellationToken))[0];
        if (outcome is ExtensionOutcome.Extended { Reservation: var reservation })
            _sweeps.Expect(reservation.ExpiresAt);
        return outcome;
    }

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private Task<IReadOnlyList<ExtensionOutcome>> FlushAsync(IReadOnlyList<Extension> extensions) =>
        _database.OfAccount(extensions[0].UserId).WriteAsync(
            session => ExtendAsync(session, extensions, CancellationToken.None), CancellationToken.None);

    private async Task<IReadOnlyList<ExtensionOutcome>> ExtendAsync(
        Session session, IReadOnlyList<Extension> extensions, CancellationToken cancellationToken)
    {
        var overageEnds = await LockAccountsAsync(
            session, [.. extensions.Select(static extension => extension.UserId).Distinct()], cancellationToken);
        var reservations = await LockedReservations.LockAsync(
            session, [.. extensions.Select(static extension => extension.Key)], cancellationToken);
        // Read after locking, so that it is later than the instant of the transaction that held the locks before.
        var now = _time.GetInstant();
        ExtensionOutcome[] outcomes = [.. extensions.Select(extension => Extend(extension, reservations, overageEnds, now))];
        await session.EndAsync([.. reservations.Write(session)]);
        return outcomes;
    }

    /// <returns>When overage ends for each account; null: that is not known.</returns>
    private async Task<Dictionary<Guid, DateTimeOffset?>> LockAccountsAsync(
        Session session, IReadOnlyList<Guid> userIds, CancellationToken cancellationToken) =>
        (await session.ListAsync(
            $"""
            select p.id, {EffectivePlan.EndOfPlan}, {SubscriptionEnd.Column(_origins)}
            from profiles p
            where p.id in (select a.user_id from {session.Rows("a", userIds).With("user_id", static id => id)})
            order by p.id {session.Engine.ForUpdate}
            """,
            static row => KeyValuePair.Create(row.Uuid(0), row.InstantOrNull(1).OrEarlier(row.InstantOrNull(2))),
            cancellationToken)).ToDictionary();

    private static ExtensionOutcome Extend(
        Extension extension, LockedReservations reservations, Dictionary<Guid, DateTimeOffset?> overageEnds, DateTimeOffset now)
    {
        if (reservations.Find(extension.UserId, extension.Id) is not { } reservation)
            return new ExtensionOutcome.NotFound();
        // One that has expired is left for the sweeper to settle.
        if (reservation.At(now).State is not ReservationStates.Held and var state)
            return new ExtensionOutcome.Ended(state);
        if (reservation.IsLeased)
            return new ExtensionOutcome.Leased();
        var extended = reservation.Extend(extension.TimeToLive, now);
        // Then no subscription may bill it any more.
        if (reservation.Beyond is { OpenOverage: > 0 } && extended.ExpiresAt > reservation.ExpiresAt
            && overageEnds.GetValueOrDefault(extension.UserId) is { } ends && extended.ExpiresAt > ends)
        {
            return new ExtensionOutcome.OutlivesSubscription(
                ends, CommitBy: ends > reservation.ExpiresAt ? null : ends > now ? ends : reservation.ExpiresAt);
        }

        reservations.Update(extended);
        return new ExtensionOutcome.Extended(extended);
    }
}
