using System.Diagnostics.CodeAnalysis;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Permission to run a migration, or the reason why it is denied. Complete it when the work is done; disposing of it before that
/// releases the reservation. Members may be called from any thread, one at a time.</summary>
public sealed class QuotaPermit : IAsyncDisposable, IDisposable
{
    private readonly PermitReservation? _reservation;
    private readonly ReservationRenewal? _renewal;
    private bool _completionStarted;
    private bool _disposed;

    private QuotaPermit(PermitReservation? reservation, ReservationRenewal? renewal = null)
    {
        _reservation = reservation;
        _renewal = renewal;
    }

    /// <summary>Whether the migration may run.</summary>
    [MemberNotNullWhen(false, nameof(Denial))]
    public bool IsGranted => Denial is null;

    /// <summary>Why it may not run; <see langword="null"/> when it may.</summary>
    public QuotaDenial? Denial { get; private init; }

    /// <summary>Whether it was granted without the server: from a lease, or because the policy allows the work
    /// (<see cref="PyResolveClientOptions.Offline"/>). Its outcome is then reported through the outbox.</summary>
    public bool IsOffline { get; private init; }

    /// <summary>The reservation on the server, or the first of the leases; <see langword="null"/> when there is none.</summary>
    public Guid? ReservationId { get; private init; }

    /// <summary>When the reservation or the lease expires; <see langword="null"/> when there is none. With
    /// <see cref="MigrationRequest.KeepAlive"/> it moves on.</summary>
    public DateTimeOffset? ExpiresAt { get => _renewal?.ExpiresAt ?? field; private init; }

    /// <summary>The account's quota as of the last answer; <see langword="null"/> when the server did not say.</summary>
    public QuotaSnapshot? Quota { get; private set; }

    /// <summary>Whether the work is charged: by <see cref="CompleteAsync"/>, or before, under the same
    /// <see cref="MigrationRequest.OnceKey"/>. For an outcome that the server has not received yet: whether it is kept for the
    /// server.</summary>
    public bool IsSettled { get; private set; }

    internal static QuotaPermit Anonymous() => new(reservation: null);

    internal static QuotaPermit Denied(QuotaDenial denial)
    {
        ClientTelemetry.Denials.Add(1, new KeyValuePair<string, object?>("error.type", denial.Code));
        return new(reservation: null) { Denial = denial, Quota = denial.Quota };
    }

    internal static QuotaPermit Offline(OfflineReservation reservation, TakenUnits? taken) => new(reservation)
    {
        IsOffline = true,
        ReservationId = taken?.Parts[0].Lease,
        ExpiresAt = taken?.FirstExpiresAt,
    };

    /// <param name="transport">Sends the requests.</param>
    /// <param name="usage">Keeps what cannot be sent.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="reservation">The answer.</param>
    /// <param name="closed">Cancelled when the client is disposed of.</param>
    internal static QuotaPermit Granted(
        ApiTransport transport, UsageReporter usage, MigrationRequest request, Reservation reservation, CancellationToken closed)
    {
        var isSettled = reservation.State == ReservationStates.Committed;
        Guid? reservationId = reservation.Id == Guid.Empty ? null : reservation.Id;
        var canRenew = request.KeepAlive && reservationId is not null && reservation is { State: ReservationStates.Held, Lease: null };
        return new(
            reservationId is { } id ? new ServerReservation(transport, usage, id, request) : null,
            canRenew ? ReservationRenewal.Start(transport, request, reservation, closed) : null)
        {
            ReservationId = reservationId,
            ExpiresAt = isSettled ? null : reservation.ExpiresAt,
            Quota = reservation.Quota,
            IsSettled = isSettled,
        };
    }

    /// <summary>Records the work and settles the reservation. When it throws, the work may not be recorded: call it again with the same
    /// outcome, which is recorded once however often it is sent. After a call, disposing of the permit releases nothing, because the work
    /// was done.</summary>
    /// <remarks>For an anonymous permit, and one that is settled, nothing is sent. The outcome of an offline permit is kept on disk for the
    /// server when this returns, without waiting for the network. The same applies to a permit for one migration without a
    /// <see cref="MigrationRequest.OnceKey"/> when the server has gone out of reach since, fails, or asks to wait: the work is recorded
    /// once, whether or not the server had recorded it. For other permits this throws then.</remarks>
    /// <param name="outcome">What was done.</param>
    /// <param name="cancellationToken">Stops waiting; the work may have been recorded.</param>
    /// <exception cref="InvalidOperationException">The permit was denied.</exception>
    /// <exception cref="ObjectDisposedException">The permit was disposed of.</exception>
    /// <exception cref="PyResolveException">The server refused; or it is out of reach, and the outcome cannot be kept.</exception>
    public async Task CompleteAsync(MigrationOutcome outcome, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(outcome);
        if (!IsGranted)
            throw new InvalidOperationException("The permit was denied: there is nothing to complete. Check IsGranted first.");
        if (_disposed)
            throw new ObjectDisposedException(nameof(QuotaPermit), "The permit was released. Complete it before disposing of it.");
        cancellationToken.ThrowIfCancellationRequested();
        if (_reservation is null || IsSettled)
            return;

        _completionStarted = true;
        _renewal?.Stop();
        Quota = await _reservation.CompleteAsync(outcome, cancellationToken).ConfigureAwait(false) ?? Quota;
        IsSettled = true;
    }

    /// <summary>Releases the reservation unless the permit was completed. Never throws: if this fails, the reservation expires.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        _renewal?.Stop();
        if (_reservation is null || IsSettled || _completionStarted)
            return;
        try
        {
            Quota = await _reservation.ReleaseAsync().ConfigureAwait(false) ?? Quota;
        }
        catch (Exception)
        {
            // Any exception: the host's message handlers may throw it. The reservation expires.
        }
    }

    /// <summary>As <see cref="DisposeAsync"/>; blocks for one request at most.</summary>
    public void Dispose() => Task.Run(() => DisposeAsync().AsTask()).GetAwaiter().GetResult();
}
