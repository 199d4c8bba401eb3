using System.Diagnostics.CodeAnalysis;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>
/// Leave to run a migration, or the reason why not. Complete it when the work is done; disposing of it before gives the hold back. Members
/// may be called from any thread, one at a time.
/// </summary>
public sealed class QuotaPermit : IAsyncDisposable, IDisposable
{
    private readonly PermitHold? _hold;
    private bool _completionBegun;
    private bool _disposed;

    private QuotaPermit(PermitHold? hold) => _hold = hold;

    /// <summary>Whether the migration may run.</summary>
    [MemberNotNullWhen(false, nameof(Denial))]
    public bool IsGranted => Denial is null;

    /// <summary>Why it may not; <see langword="null"/> when it may.</summary>
    public QuotaDenial? Denial { get; private init; }

    /// <summary>
    /// Whether it was granted without the server: from a lease, or because the policy lets the work go on
    /// (<see cref="PyResolveClientOptions.Offline"/>). Its outcome is then reported by way of the outbox.
    /// </summary>
    public bool IsOffline { get; private init; }

    /// <summary>The hold or lease on the server, of several leases the first; <see langword="null"/> when there is none, as for a denied or an anonymous permit.</summary>
    public Guid? ReservationId { get; private init; }

    /// <summary>When the hold goes back by itself, or the lease ends; <see langword="null"/> where there is none.</summary>
    public DateTimeOffset? ExpiresAt { get; private init; }

    /// <summary>Where the account stands as of the last answer; <see langword="null"/> when the server did not say.</summary>
    public QuotaSnapshot? Quota { get; private set; }

    /// <summary>Whether the work is paid for: by <see cref="CompleteAsync"/>, or already when the permit was taken, under the same <see cref="MigrationRequest.OnceKey"/>.
    /// Without the server: whether what was done is kept for it.</summary>
    public bool IsSettled { get; private set; }

    internal static QuotaPermit Anonymous() => new(hold: null);

    internal static QuotaPermit Denied(QuotaDenial denial)
    {
        ClientTelemetry.Denials.Add(1, new KeyValuePair<string, object?>("error.type", denial.Code));
        return new(hold: null) { Denial = denial, Quota = denial.Quota };
    }

    internal static QuotaPermit Offline(OfflineHold hold, LeaseTake? take) => new(hold)
    {
        IsOffline = true,
        ReservationId = take?.Parts[0].Lease,
        ExpiresAt = take?.ExpiresAt,
    };

    internal static QuotaPermit Granted(ApiTransport transport, UsageReporter usage, MigrationRequest request, Reservation reservation)
    {
        var settled = reservation.State == ReservationStates.Committed;
        Guid? id = reservation.Id == Guid.Empty ? null : reservation.Id;
        return new(id is { } hold ? new ServerHold(transport, usage, hold, request) : null)
        {
            ReservationId = id,
            ExpiresAt = settled ? null : reservation.ExpiresAt,
            Quota = reservation.Quota,
            IsSettled = settled,
        };
    }

    /// <summary>
    /// Records the work and settles the hold. When it throws, nothing is known to be recorded: call it again with the same outcome, which
    /// records the work once however often it is sent. Disposing of the permit after that gives nothing back, because the work happened.
    /// For an anonymous permit, and one that is settled, nothing is sent. The outcome of an offline permit is kept for the server, on disk,
    /// when this returns; it does not wait for the network. So is that of a permit for one migration without a <see cref="MigrationRequest.OnceKey"/>
    /// where the server went away since, fails, or asks to wait: it is recorded once, whether or not the server had taken it. Other permits throw
    /// then.
    /// </summary>
    /// <param name="outcome">What was done.</param>
    /// <param name="cancellationToken">Gives up waiting; the work may have been recorded.</param>
    /// <exception cref="InvalidOperationException">The permit was denied.</exception>
    /// <exception cref="ObjectDisposedException">The permit was disposed of.</exception>
    /// <exception cref="PyResolveException">The server refused; or it cannot be reached, and the outcome cannot be kept.</exception>
    public async Task CompleteAsync(MigrationOutcome outcome, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(outcome);
        if (!IsGranted)
            throw new InvalidOperationException("The permit was denied: there is nothing to complete. Look at IsGranted first.");
        if (_disposed)
            throw new ObjectDisposedException(nameof(QuotaPermit), "The hold was given back. Complete the permit before disposing of it.");
        cancellationToken.ThrowIfCancellationRequested();
        if (_hold is null || IsSettled)
            return;

        _completionBegun = true;
        Quota = await _hold.CompleteAsync(outcome, cancellationToken).ConfigureAwait(false) ?? Quota;
        IsSettled = true;
    }

    /// <summary>Gives the hold back unless it was completed. Never throws: a hold that cannot be given back ends at <see cref="ExpiresAt"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_hold is null || IsSettled || _completionBegun)
            return;
        try
        {
            Quota = await _hold.GiveBackAsync().ConfigureAwait(false) ?? Quota;
        }
        catch (Exception)
        {
            // Whatever it was, a handler of the host's included: its time to live gives the hold back.
        }
    }

    /// <summary>As <see cref="DisposeAsync"/>, blocking for one request at most.</summary>
    public void Dispose() => Task.Run(() => DisposeAsync().AsTask()).GetAwaiter().GetResult();
}
