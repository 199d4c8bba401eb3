using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>The quota that a granted permit has reserved. Called by one thread at a time.</summary>
internal abstract class PermitReservation
{
    /// <summary>Records the work. A call that failed can be repeated with the same outcome, which is recorded once.</summary>
    public abstract Task<QuotaSnapshot?> CompleteAsync(MigrationOutcome outcome, CancellationToken cancellationToken);

    public abstract Task<QuotaSnapshot?> ReleaseAsync();
}

/// <summary>A reservation on the server. If it cannot take the outcome of one migration now, the outbox sends it later.</summary>
internal sealed class ServerReservation(ApiTransport transport, UsageReporter usage, Guid reservation, MigrationRequest request)
    : PermitReservation
{
    private readonly Guid _eventId = Uuid.NewVersion7(transport.Time);

    /// <summary>A usage event counts one unit and releases nothing. Work with a once key must be committed: only a commit recognizes that
    /// another process has already paid for the same work.</summary>
    private bool CanBeEvent => request is { Quantity: 1, OnceKey: null };

    public override async Task<QuotaSnapshot?> CompleteAsync(MigrationOutcome outcome, CancellationToken cancellationToken)
    {
        var commit = new CommitRequest
        {
            Id = _eventId,
            Quantity = outcome.Quantity,
            FilesChanged = outcome.FilesChanged,
            TokensUsed = outcome.TokensUsed,
            Metadata = outcome.Metadata,
        };
        var canWait = CanBeEvent && outcome.Quantity is null or 1;
        if (canWait && transport.Outage.Current is { } cause)
        {
            await KeepAsync(outcome, cause).ConfigureAwait(false);
            return null;
        }

        try
        {
            return (await transport.CommitReservationAsync(reservation, commit, cancellationToken).ConfigureAwait(false)).Quota;
        }
        catch (PyResolveException failure) when (canWait && (failure.IsOutOfReach || failure.Status is >= 500 or 429))
        {
            await KeepAsync(outcome, failure).ConfigureAwait(false);
            return null;
        }
    }

    public override async Task<QuotaSnapshot?> ReleaseAsync() =>
        (await transport.ReleaseReservationAsync(reservation, CancellationToken.None).ConfigureAwait(false)).Quota;

    /// <summary>Stores the event that the commit would create, with the same id and content and without a time: if the server did record
    /// the commit, it recognizes the event as a duplicate.</summary>
    private async Task KeepAsync(MigrationOutcome outcome, PyResolveException failure)
    {
        var kept = usage.Keep(new UsageEventRequest
        {
            Id = _eventId,
            EventType = UsageEvent.Migration,
            Library = request.Library,
            Tier = request.Tier.ToWire(),
            FilesChanged = outcome.FilesChanged,
            TokensUsed = outcome.TokensUsed,
            Metadata = outcome.Metadata,
            ReservationId = reservation,
        });
        if (!kept.IsAccepted)
            throw NotKept(failure, kept.Reason!);
        try
        {
            await usage.SyncAsync().ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw NotKept(
                failure, $"it is not safe on disk ({Redaction.Line(exception.Message)}).", "Make room, and complete the permit again.");
        }
    }

    private static PyResolveException NotKept(PyResolveException failure, string reason, string? hint = null) => new(
        PyResolveErrorCodes.NotReported, $"{failure.Message} The outcome cannot be kept for later either: {reason}", hint, failure);
}
