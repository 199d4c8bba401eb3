using PyResolve.Client.Wire;

namespace PyResolve.Client;

internal static class ApiRoutes
{
    public static async Task<AccountInfo> GetAccountAsync(this ApiTransport transport, CancellationToken cancellationToken)
    {
        var account = await transport.SendAsync(
            ApiRequest.Get("/me"),
            WireJson.Default.AccountInfo, static me => me is { Email: not null, Plan: not null, Quota.Plan: not null },
            cancellationToken).ConfigureAwait(false);
        transport.AccountSeen?.Invoke(account.UserId);
        return account;
    }

    public static Task<QuotaSnapshot> GetQuotaAsync(this ApiTransport transport, CancellationToken cancellationToken) =>
        transport.SendAsync(
            ApiRequest.Get("/quota"), WireJson.Default.QuotaSnapshot, static quota => quota.Plan is not null, cancellationToken);

    public static Task<LeaseKeySet> GetLeaseKeysAsync(this ApiTransport transport, CancellationToken cancellationToken) =>
        transport.SendAsync(
            ApiRequest.Get("/.well-known/jwks.json") with { AllowsKey = false },
            WireJson.Default.LeaseKeySet, static set => set.Keys is not null, cancellationToken);

    public static Task<Reservation> CreateReservationAsync(
        this ApiTransport transport, ReservationRequest request, string? idempotencyKey, CancellationToken cancellationToken) =>
        transport.SendAsync(
            (ApiRequest.Post("/quota/reservations") with { IdempotencyKey = idempotencyKey })
                .With(request, WireJson.Requests.ReservationRequest),
            WireJson.Default.Reservation, static reservation => reservation.State is not null, cancellationToken);

    public static ApiRequest ExtendReservation(Guid id, ExtendRequest request) =>
        (ApiRequest.Patch($"/quota/reservations/{id:D}") with { IsRepeatable = true, ChangesQuota = false })
            .With(request, WireJson.Requests.ExtendRequest);

    public static Task<ReservationCommitted> CommitReservationAsync(
        this ApiTransport transport, Guid id, CommitRequest request, CancellationToken cancellationToken) =>
        transport.SendAsync(
            (ApiRequest.Post($"/quota/reservations/{id:D}/commit") with { IsRepeatable = true })
                .With(request, WireJson.Requests.CommitRequest),
            WireJson.Default.ReservationCommitted, static committed => committed.State is not null, cancellationToken);

    public static Task<ReservationReleased> ReleaseReservationAsync(
        this ApiTransport transport, Guid id, CancellationToken cancellationToken) =>
        transport.SendAsync(
            ApiRequest.Delete($"/quota/reservations/{id:D}") with { IsRepeatable = true },
            WireJson.Default.ReservationReleased, static released => released.State is not null, cancellationToken);
}
