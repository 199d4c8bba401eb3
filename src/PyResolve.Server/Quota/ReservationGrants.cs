using PyResolve.Server.Access;
using PyResolve.Server.Alerts;
using PyResolve.Server.Leases;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;
using PyResolve.Server.Telemetry;

namespace PyResolve.Server.Quota;

/// <summary>
/// Grants many reservations in one transaction, which locks the accounts' rows first: on any number of instances, the requests of one
/// account are decided one after the other, a retry waits for the first answer, and a new plan counts at once.
/// </summary>
internal sealed class ReservationGrants : IAsyncDisposable
{
    private const int MaxAttempts = 8;

    private readonly Database _database;
    private readonly PlanCatalog _plans;
    private readonly CreditOrigins _origins;
    private readonly UsageAlerts _alerts;
    private readonly LeaseSigner _leases;
    private readonly ServerMetrics _metrics;
    private readonly SweepSchedule _sweeps;
    private readonly TimeProvider _time;
    private readonly GroupCommit<PendingReservation, ReservationOutcome> _group;

    public ReservationGrants(
        Database database, PlanCatalog plans, CreditOrigins origins, UsageAlerts alerts, LeaseSigner leases, ServerMetrics metrics,
        SweepSchedule sweeps, TimeProvider time)
    {
        (_database, _plans, _origins, _alerts) = (database, plans, origins, alerts);
        (_leases, _metrics, _sweeps, _time) = (leases, metrics, sweeps, time);
        _group = new GroupCommit<PendingReservation, ReservationOutcome>(
            ReservationGroups.Limits, FlushAsync, findShard: database.FindShardAsync, timeout: database.WriteTimeout);
    }

    /// <exception cref="OverloadedException">More reservations of the account are due than this request could wait for.</exception>
    public async Task<ReservationOutcome> DecideAsync(PendingReservation pending, CancellationToken cancellationToken)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var outcome = (await _group.SubmitAsync(pending.UserId, [pending], pending.Size, cancellationToken))[0];
            if (outcome is ReservationOutcome.AccountDeleted)
                throw AccountGone.Exception();
            if (outcome is not ReservationOutcome.Deferred deferred)
            {
                if (outcome is ReservationOutcome.Granted { IsNew: true, Reservation: var reservation })
                    _sweeps.Expect(reservation.ExpiresAt);
                _metrics.ReservationAsked(outcome is ReservationOutcome.Granted, outcome is ReservationOutcome.Granted { IsNew: true });
                return outcome;
            }

            // Queues again behind other accounts, so that one account's expired reservations do not delay them.
            pending = pending with { Due = deferred.Due };
        }

        throw new OverloadedException(
            "Reservations of this account that have expired are still being given back. Nothing was stored: try again shortly.");
    }

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private Task<IReadOnlyList<ReservationOutcome>> FlushAsync(IReadOnlyList<PendingReservation> pending) =>
        _database.OfAccount(pending[0].UserId).WriteAsync(
            session => new ReservationTransaction(session, pending, _plans, _origins, _alerts, GivesLeases(pending), _time)
                .DecideAsync(CancellationToken.None),
            CancellationToken.None);

    private bool GivesLeases(IReadOnlyList<PendingReservation> pending) =>
        pending.Any(static one => one.Machine is not null) && _leases.CanSign;
}
