using System.Runtime.CompilerServices;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>GET /quota</c>: the account's quota this month.</summary>
    public Task<QuotaSnapshot> GetQuotaAsync(CancellationToken cancellationToken = default) => _transport.GetQuotaAsync(cancellationToken);

    /// <summary><c>POST /quota/reservations</c>: reserves quota. <see cref="Quota"/> adds retries, and denials as values.</summary>
    /// <param name="request">What to reserve.</param>
    /// <param name="idempotencyKey">Makes the request safe to send again: 1 to 255 visible ASCII characters. Default none.</param>
    /// <param name="cancellationToken">Stops waiting; a reservation that was made anyway expires after its lifetime.</param>
    /// <exception cref="ArgumentException">The idempotency key is empty, longer, or has other characters.</exception>
    public Task<Reservation> CreateReservationAsync(
        ReservationRequest request, string? idempotencyKey = null, CancellationToken cancellationToken = default)
    {
        if (idempotencyKey is not null && !VisibleAscii.IsIdempotencyKey(idempotencyKey))
            throw new ArgumentException("An idempotency key has 1 to 255 visible ASCII characters.", nameof(idempotencyKey));
        return _transport.CreateReservationAsync(Guard.NotNull(request), idempotencyKey, cancellationToken);
    }

    /// <summary><c>GET /quota/reservations/{id}</c>: a reservation, and why it was granted.</summary>
    public Task<Reservation> GetReservationAsync(Guid id, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get($"/quota/reservations/{id:D}"),
            WireJson.Default.Reservation, static reservation => reservation.State is not null, cancellationToken);

    /// <summary><c>GET /quota/reservations</c>: a page of the account's reservations, newest first, leases included. None has its
    /// receipt, which <see cref="GetReservationAsync"/> reads.</summary>
    /// <param name="state">Only those in one of <see cref="ReservationStates"/>; default all.</param>
    /// <param name="cursor">The <see cref="ReservationPage.NextCursor"/> of the previous page; default the first page.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<ReservationPage> ListReservationsAsync(
        string? state = null, string? cursor = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/quota/reservations" + Query(("state", state), ("cursor", cursor))),
            WireJson.Default.ReservationPage, static page => page.Data is not null, cancellationToken);

    /// <summary>All reservations of <see cref="ListReservationsAsync"/>; each page is requested when it is reached.</summary>
    /// <param name="state">Only those in one of <see cref="ReservationStates"/>; default all.</param>
    /// <param name="cancellationToken">Stops the enumeration.</param>
    public async IAsyncEnumerable<Reservation> EnumerateReservationsAsync(
        string? state = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string? cursor = null;
        do
        {
            var page = await ListReservationsAsync(state, cursor, cancellationToken).ConfigureAwait(false);
            foreach (var reservation in page.Data)
                yield return reservation;
            cursor = page.NextCursor;
        }
        while (cursor is not null);
    }

    /// <summary><c>PATCH /quota/reservations/{id}</c>: sets when a reservation expires, counted from now, at most 7 days after it was
    /// granted. Only one that is held, and is no lease, can be extended; otherwise the server answers 409. A repeated call changes nothing
    /// but the time. <see cref="MigrationRequest.KeepAlive"/> does this for a permit.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="request">When it expires.</param>
    /// <param name="cancellationToken">Stops waiting; the reservation may have been extended.</param>
    /// <returns>The reservation, with its new <see cref="Reservation.ExpiresAt"/>.</returns>
    public Task<Reservation> ExtendReservationAsync(Guid id, ExtendRequest request, CancellationToken cancellationToken = default)
    {
        var extend = ApiRoutes.ExtendReservation(id, Guard.NotNull(request));
        return _transport.SendAsync(extend, WireJson.Default.Reservation, static one => one.State is not null, cancellationToken);
    }

    /// <summary><c>POST /quota/reservations/{id}/commit</c>: records the work; the rest of the reservation is released.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="request">What was done. With <see cref="CommitRequest.Id"/> it is safe to send again.</param>
    /// <param name="cancellationToken">Stops waiting; the work may have been recorded.</param>
    public Task<ReservationCommitted> CommitReservationAsync(
        Guid id, CommitRequest request, CancellationToken cancellationToken = default) =>
        _transport.CommitReservationAsync(id, Guard.NotNull(request), cancellationToken);

    /// <summary><c>DELETE /quota/reservations/{id}</c>: releases a reservation.</summary>
    public Task<ReservationReleased> ReleaseReservationAsync(Guid id, CancellationToken cancellationToken = default) =>
        _transport.ReleaseReservationAsync(id, cancellationToken);
}
