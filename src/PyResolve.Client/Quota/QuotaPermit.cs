using System.Diagnostics.CodeAnalysis;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>
/// Leave to run a migration, or the reason why not. Complete it when the work is done; disposing of it before gives the hold back. Members
/// may be called from any thread, one at a time.
/// </summary>
public sealed class QuotaPermit : IAsyncDisposable, IDisposable
{
    private readonly PyResolveClient? _client;
    private readonly Guid _eventId;
    private bool _completionBegun;
    private bool _disposed;

    private QuotaPermit(PyResolveClient? client, TimeProvider time)
    {
        _client = client;
        _eventId = client is null ? Guid.Empty : Uuid.NewVersion7(time);
    }

    /// <summary>Whether the migration may run.</summary>
    [MemberNotNullWhen(false, nameof(Denial))]
    public bool IsGranted => Denial is null;

    /// <summary>Why it may not; <see langword="null"/> when it may.</summary>
    public QuotaDenial? Denial { get; private init; }

    /// <summary>The hold on the server; <see langword="null"/> when it was denied, or granted anonymously.</summary>
    public Guid? ReservationId { get; private init; }

    /// <summary>When the hold goes back by itself; <see langword="null"/> where there is none.</summary>
    public DateTimeOffset? ExpiresAt { get; private init; }

    /// <summary>Where the account stands as of the last answer; <see langword="null"/> when the server did not say.</summary>
    public QuotaSnapshot? Quota { get; private set; }

    /// <summary>Whether the work is paid for: by <see cref="CompleteAsync"/>, or already when the permit was taken, under the same <see cref="MigrationRequest.OnceKey"/>.</summary>
    public bool IsSettled { get; private set; }

    internal static QuotaPermit Anonymous() => new(client: null, TimeProvider.System);

    internal static QuotaPermit Denied(QuotaDenial denial)
    {
        ClientTelemetry.Denials.Add(1, new KeyValuePair<string, object?>("error.type", denial.Code));
        return new(client: null, TimeProvider.System) { Denial = denial, Quota = denial.Quota };
    }

    internal static QuotaPermit Granted(PyResolveClient client, TimeProvider time, Reservation reservation)
    {
        var settled = reservation.State == ReservationStates.Committed;
        return new(client, time)
        {
            ReservationId = reservation.Id == Guid.Empty ? null : reservation.Id,
            ExpiresAt = settled ? null : reservation.ExpiresAt,
            Quota = reservation.Quota,
            IsSettled = settled,
        };
    }

    /// <summary>
    /// Records the work and settles the hold. When it throws, nothing is known to be recorded: call it again with the same outcome, which
    /// records the work once however often it is sent. Disposing of the permit after that gives nothing back, because the work happened.
    /// For an anonymous permit, and one that is settled, nothing is sent.
    /// </summary>
    /// <param name="outcome">What was done.</param>
    /// <param name="cancellationToken">Gives up waiting; the work may have been recorded.</param>
    /// <exception cref="InvalidOperationException">The permit was denied.</exception>
    /// <exception cref="ObjectDisposedException">The permit was disposed of.</exception>
    /// <exception cref="PyResolveException">The server cannot be reached, or refused.</exception>
    public async Task CompleteAsync(MigrationOutcome outcome, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(outcome);
        if (!IsGranted)
            throw new InvalidOperationException("The permit was denied: there is nothing to complete. Look at IsGranted first.");
        if (_disposed)
            throw new ObjectDisposedException(nameof(QuotaPermit), "The hold was given back. Complete the permit before disposing of it.");
        cancellationToken.ThrowIfCancellationRequested();
        if (_client is null || ReservationId is not { } id || IsSettled)
            return;

        _completionBegun = true;
        var commit = new CommitRequest
        {
            Id = _eventId,
            Quantity = outcome.Quantity,
            FilesChanged = outcome.FilesChanged,
            TokensUsed = outcome.TokensUsed,
            Metadata = outcome.Metadata,
        };
        var committed = await _client.CommitReservationAsync(id, commit, cancellationToken).ConfigureAwait(false);
        Quota = committed.Quota ?? Quota;
        IsSettled = true;
    }

    /// <summary>Gives the hold back unless it was completed. Never throws: a hold that cannot be given back ends at <see cref="ExpiresAt"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_client is null || ReservationId is not { } id || IsSettled || _completionBegun)
            return;
        try
        {
            var released = await _client.ReleaseReservationAsync(id).ConfigureAwait(false);
            Quota = released.Quota ?? Quota;
        }
        catch (Exception)
        {
            // Whatever it was, a handler of the host's included: its time to live gives the hold back.
        }
    }

    /// <summary>As <see cref="DisposeAsync"/>, blocking for one request at most.</summary>
    public void Dispose() => Task.Run(() => DisposeAsync().AsTask()).GetAwaiter().GetResult();
}
