using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>
/// Leave that the server was not asked for: the work is reported by way of the outbox, an event for each migration, because that is what an
/// event spends of a lease. Each is under an id of its own and at a time that is fixed once, so that what is tried again is stored once.
/// </summary>
/// <param name="request">The work.</param>
/// <param name="usage">Reports it.</param>
/// <param name="time">For ids.</param>
/// <param name="ledger">Where the units are from; <see langword="null"/> where the policy lets the work go on without any.</param>
/// <param name="take">The units.</param>
internal sealed class OfflineHold(MigrationRequest request, UsageReporter usage, TimeProvider time, LeaseLedger? ledger = null, LeaseTake? take = null)
    : PermitHold
{
    private readonly Guid[] _eventIds = [.. Enumerable.Range(0, request.Quantity).Select(_ => Uuid.NewVersion7(time))];
    private readonly Guid?[] _leases = take is null
        ? new Guid?[request.Quantity]
        : [.. take.Parts.SelectMany(static part => Enumerable.Repeat((Guid?)part.Lease, part.Units))];

    private DateTimeOffset? _completedAt;
    private int _reported;

    public override async Task<QuotaSnapshot?> CompleteAsync(MigrationOutcome outcome, CancellationToken cancellationToken)
    {
        var quantity = outcome.Quantity ?? request.Quantity;
        if (quantity > request.Quantity)
            throw new PyResolveException(ProblemCodes.Invalid, $"quantity must be at most {request.Quantity}, which is what the permit holds.");
        _completedAt ??= usage.Now;
        while (_reported < quantity)
        {
            var result = usage.Report(EventOf(outcome));
            if (!result.IsAccepted)
                throw new PyResolveException(PyResolveErrorCodes.NotReported, result.Reason);
            _reported++;
        }

        await SyncAsync().ConfigureAwait(false);
        if (take is not null)
            await SettleAsync(quantity).ConfigureAwait(false);
        return null;
    }

    public override async Task<QuotaSnapshot?> GiveBackAsync()
    {
        if (take is not null)
            await SettleAsync(spent: 0).ConfigureAwait(false);
        return null;
    }

    private UsageEvent EventOf(MigrationOutcome outcome) => new(Migration)
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
                PyResolveErrorCodes.NotReported, $"The outcome is not safe on disk ({Redaction.Line(exception.Message)}). Make room, and complete the permit again.", exception);
        }
    }

    private async Task SettleAsync(int spent)
    {
        try
        {
            await ledger!.SettleAsync(take!, spent).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The units stay taken until the lease ends, which is the safe side.
        }
    }
}
