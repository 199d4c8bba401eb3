using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>A permit granted without the server: from units of leases, or without units if the policy allows it. One event for each
/// migration is reported, because an event spends one unit. Ids and time are fixed: a repeated call stores each event once.</summary>
internal sealed class OfflineReservation(
    MigrationRequest request, UsageReporter usage, TimeProvider time, LeaseLedger? ledger = null, TakenUnits? taken = null)
    : PermitReservation
{
    private readonly Guid[] _eventIds = [.. Enumerable.Range(0, request.Quantity).Select(_ => Uuid.NewVersion7(time))];
    private readonly Guid?[] _leases = taken is null
        ? new Guid?[request.Quantity]
        : [.. taken.Parts.SelectMany(static part => Enumerable.Repeat((Guid?)part.Lease, part.Units))];

    private DateTimeOffset? _completedAt;
    private int _reported;

    public override async Task<QuotaSnapshot?> CompleteAsync(MigrationOutcome outcome, CancellationToken cancellationToken)
    {
        var quantity = outcome.Quantity ?? request.Quantity;
        if (quantity > request.Quantity)
            throw new PyResolveException(ProblemCodes.Invalid, $"quantity must be at most {request.Quantity}, as the permit holds.");
        _completedAt ??= usage.Now;
        while (_reported < quantity)
        {
            var result = usage.Report(CreateEvent(outcome));
            if (!result.IsAccepted)
                throw new PyResolveException(PyResolveErrorCodes.NotReported, result.Reason);
            _reported++;
        }

        await SyncAsync().ConfigureAwait(false);
        await SettleAsync(quantity).ConfigureAwait(false);
        return null;
    }

    public override async Task<QuotaSnapshot?> ReleaseAsync()
    {
        await SettleAsync(spent: 0).ConfigureAwait(false);
        return null;
    }

    private UsageEvent CreateEvent(MigrationOutcome outcome) => new(UsageEvent.Migration)
    {
        Id = _eventIds[_reported],
        OccurredAt = _completedAt,
        Library = request.Library,
        Tier = request.Tier,
        ReservationId = _leases[_reported],
        FilesChanged = _reported == 0 ? outcome.FilesChanged : 0,
        TokensUsed = _reported == 0 ? outcome.TokensUsed : 0,
        Metadata = _reported == 0 ? outcome.Metadata : null,
    };

    private async Task SyncAsync()
    {
        try
        {
            await usage.SyncAsync().ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new PyResolveException(
                PyResolveErrorCodes.NotReported,
                $"The outcome is not safe on disk ({Redaction.Line(exception.Message)}).",
                "Make room, and complete the permit again.",
                exception);
        }
    }

    private async Task SettleAsync(int spent)
    {
        if (ledger is null || taken is null)
            return;
        try
        {
            await ledger.SettleAsync(taken, spent).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The units stay taken until the lease expires, so that nothing is spent twice.
        }
    }
}
