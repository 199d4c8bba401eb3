using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>What stands behind a granted permit, and how it is settled. Called by one thread at a time.</summary>
internal abstract class PermitHold
{
    /// <summary>The kind of event that the work becomes.</summary>
    protected const string Migration = "migration";

    /// <summary>Records the work. What fails can be called again with the same outcome, and records it once.</summary>
    /// <returns>Where the account stands; <see langword="null"/> when nobody said.</returns>
    public abstract Task<QuotaSnapshot?> CompleteAsync(MigrationOutcome outcome, CancellationToken cancellationToken);

    /// <summary>Gives all of it back.</summary>
    /// <returns>Where the account stands; <see langword="null"/> when nobody said.</returns>
    public abstract Task<QuotaSnapshot?> GiveBackAsync();
}

/// <summary>A hold on the server. What it does not take now of a migration that was done goes through the outbox.</summary>
internal sealed class ServerHold(ApiTransport transport, UsageReporter usage, Guid reservation, MigrationRequest request) : PermitHold
{
    private readonly Guid _eventId = Uuid.NewVersion7(transport.Time);

    /// <summary>
    /// An event counts one unit, and gives nothing back. What has a name of its own must not be paid for beside another who did the same work:
    /// only a commit is answered by what that one paid.
    /// </summary>
    private bool CanBeAnEvent => request is { Quantity: 1, OnceKey: null };

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
        var canWait = CanBeAnEvent && outcome.Quantity is null or 1;
        if (canWait && transport.Outage.Current is { } cause)
        {
            await KeepAsync(outcome, cause).ConfigureAwait(false);
            return null;
        }

        try
        {
            return (await transport.CommitReservationAsync(reservation, commit, cancellationToken).ConfigureAwait(false)).Quota;
        }
        catch (PyResolveException failure) when (canWait && MayHelpLater(failure))
        {
            await KeepAsync(outcome, failure).ConfigureAwait(false);
            return null;
        }
    }

    public override async Task<QuotaSnapshot?> GiveBackAsync() => (await transport.ReleaseReservationAsync(reservation, CancellationToken.None).ConfigureAwait(false)).Quota;

    private static bool MayHelpLater(PyResolveException failure) => failure.IsOutOfReach || failure.Status is >= 500 or 429;

    /// <summary>
    /// The event that the commit would have become, to the letter: the server finds a commit that it took after all, and records nothing twice.
    /// Its time is left out, as a commit's is.
    /// </summary>
    private async Task KeepAsync(MigrationOutcome outcome, PyResolveException failure)
    {
        var kept = usage.Keep(new UsageEventRequest
        {
            Id = _eventId,
            EventType = Migration,
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
            throw NotKept(failure, $"it is not safe on disk ({Redaction.Line(exception.Message)}). Make room, and complete the permit again.");
        }
    }

    private static PyResolveException NotKept(PyResolveException failure, string reason) =>
        new(PyResolveErrorCodes.NotReported, $"{failure.Message} The outcome cannot be kept for later either: {reason}", failure);
}
