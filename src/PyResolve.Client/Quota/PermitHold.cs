using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>What stands behind a granted permit, and how it is settled. Called by one thread at a time.</summary>
internal abstract class PermitHold
{
    /// <summary>Records the work. What fails can be called again with the same outcome, and records it once.</summary>
    /// <returns>Where the account stands; <see langword="null"/> when nobody said.</returns>
    public abstract Task<QuotaSnapshot?> CompleteAsync(MigrationOutcome outcome, CancellationToken cancellationToken);

    /// <summary>Gives all of it back.</summary>
    /// <returns>Where the account stands; <see langword="null"/> when nobody said.</returns>
    public abstract Task<QuotaSnapshot?> GiveBackAsync();
}

/// <summary>A hold on the server.</summary>
internal sealed class ServerHold(PyResolveClient client, TimeProvider time, Guid reservation) : PermitHold
{
    private readonly Guid _eventId = Uuid.NewVersion7(time);

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
        return (await client.CommitReservationAsync(reservation, commit, cancellationToken).ConfigureAwait(false)).Quota;
    }

    public override async Task<QuotaSnapshot?> GiveBackAsync() => (await client.ReleaseReservationAsync(reservation).ConfigureAwait(false)).Quota;
}
