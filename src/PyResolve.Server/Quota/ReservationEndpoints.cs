using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.Leases;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Quota;

internal static class ReservationEndpoints
{
    private const int MaxUnits = 1_000;
    private const int MaxTtl = 604_800;
    private const int MaxMachine = 255;

    public static void MapReservations(this IEndpointRouteBuilder routes)
    {
        var reservations = routes.MapGroup("/quota/reservations").RequireScope(Scopes.Quota);
        reservations.MapPost("", Create);
        reservations.MapGet("", List);
        reservations.MapGet("/{id:guid}", Read);
        reservations.MapPatch("/{id:guid}", Extend);
        reservations.MapPost("/{id:guid}/commit", Commit);
        reservations.MapDelete("/{id:guid}", Release);
    }

    private static async Task<Results<CreatedAnswer<Reservation>, JsonAnswer<Reservation>, ProblemResult>> Create(
        HttpContext http, Body<ReservationRequest> body, ReservationGrants grants, QuotaReader quotas, LeaseSigner leases,
        ReservationRefusals refusals)
    {
        var pending = Validate(body.Value, http.Caller(), IdempotencyKey.Read(http));
        var outcome = await grants.DecideAsync(pending, http.RequestAborted);
        switch (outcome)
        {
            case ReservationOutcome.Granted granted:
                var quota = granted.Quota ?? await quotas.ReadAsync(pending.UserId, http.RequestAborted);
                var reservation = Describe(granted.Reservation, leases.Sign(granted.Reservation, pending.Machine), quota);
                return granted.IsNew ? Answers.Created($"/quota/reservations/{reservation.Id}", reservation) : Answers.Ok(reservation);
            default:
                return await refusals.DescribeAsync(pending.UserId, outcome, http.RequestAborted);
        }
    }

    private static async Task<JsonAnswer<ReservationPage>> List(
        HttpContext http, string? state, string? cursor, ReservationList list, QuotaReader quotas, LeaseSigner leases)
    {
        var errors = new FieldErrors();
        if (!string.IsNullOrEmpty(state) && !ReservationList.IsState(state))
            errors.Add("state", ProblemTexts.NotAReservationState);
        Guid? before = null;
        if (!string.IsNullOrEmpty(cursor))
        {
            if (Guid.TryParseExact(cursor, "D", out var last))
                before = last;
            else
                errors.Add("cursor", ProblemTexts.ReservationCursorUnknown);
        }

        errors.ThrowIfAny();
        var userId = http.Caller().UserId;
        var rows = await list.ReadAsync(userId, string.IsNullOrEmpty(state) ? null : state, before, http.RequestAborted);
        var quota = await quotas.ReadAsync(userId, http.RequestAborted);
        var page = rows.Take(ReservationList.PageSize).Select(row => Describe(row, leases.Sign(row, row.Machine), quota)).ToList();
        return Answers.Ok(new ReservationPage(page, rows.Count > page.Count ? page[^1].Id.ToString("D") : null));
    }

    private static async Task<Results<JsonAnswer<Reservation>, ProblemResult>> Read(
        Guid id, HttpContext http, Database database, QuotaReader quotas, LeaseSigner leases, TimeProvider time)
    {
        var userId = http.Caller().UserId;
        var stored = await database.OfAccount(userId).FirstAsync(
            $"select {StoredReservation.Columns} from reservations where user_id = {userId} and id = {id}",
            StoredReservation.Read,
            http.RequestAborted);
        if (stored?.At(time.GetInstant()) is not { } reservation)
            return NotFound();
        var quota = await quotas.ReadAsync(userId, http.RequestAborted);
        var described = Describe(reservation, leases.Sign(reservation, reservation.Machine), quota);
        return Answers.Ok(described with { Receipt = reservation.Receipt });
    }

    private static async Task<Results<JsonAnswer<Reservation>, ProblemResult>> Extend(
        Guid id, Body<ExtendRequest> body, HttpContext http, ReservationExtensions extensions, QuotaReader quotas)
    {
        var errors = new FieldErrors();
        if (body.Value.TtlSeconds is null)
            errors.Add("ttl_seconds", ProblemTexts.IsRequired);
        errors.Range("ttl_seconds", body.Value.TtlSeconds, 1, MaxTtl);
        errors.ThrowIfAny();

        var userId = http.Caller().UserId;
        var extension = new Extension(userId, id, TimeSpan.FromSeconds(body.Value.TtlSeconds!.Value));
        return await extensions.ExtendAsync(extension, http.RequestAborted) switch
        {
            ExtensionOutcome.Extended { Reservation: var reservation } => Answers.Ok(
                Describe(reservation, lease: null, await quotas.ReadAsync(userId, http.RequestAborted))),
            ExtensionOutcome.Ended { State: var state } => new ProblemResult(Problems.Conflict(ProblemTexts.ReservationEnded(state))),
            ExtensionOutcome.OutlivesSubscription outlives => new ProblemResult(Problems.Conflict(Explain(outlives))),
            ExtensionOutcome.Leased => new ProblemResult(Problems.Conflict(ProblemTexts.ReservationLeased)),
            _ => NotFound(),
        };
    }

    private static async Task<Results<JsonAnswer<ReservationCommitted>, ProblemResult>> Commit(
        Guid id, OptionalBody<CommitRequest> body, HttpContext http, ReservationSettlements settlements, QuotaReader quotas)
    {
        var errors = new FieldErrors();
        errors.Range("quantity", body.Value.Quantity, 1, MaxUnits);
        UsageRules.CheckCounts(errors, body.Value.FilesChanged, body.Value.TokensUsed);
        errors.Text("library", body.Value.Library, FieldErrors.LongestLibrary);
        errors.Metadata("metadata", body.Value.Metadata);
        errors.ThrowIfAny();

        var (userId, keyId) = (http.Caller().UserId, http.Caller().ApiKeyId);
        return await settlements.SettleAsync(new Settlement(userId, id, body.Value) { KeyId = keyId }, http.RequestAborted) switch
        {
            SettlementOutcome.Committed { UsageEventId: var eventId } => Answers.Ok(new ReservationCommitted(
                id, ReservationStates.Committed, eventId, Remaining: 0, await quotas.ReadAsync(userId, http.RequestAborted))),
            SettlementOutcome.TooMany tooMany => new ProblemResult(
                Problems.Invalid("quantity", $"is more than the {tooMany.Available} that the reservation has left.")),
            SettlementOutcome.RejectedByStore => new ProblemResult(RecordOutcome.RejectedByStore.ToProblem()!),
            SettlementOutcome.IdTaken => new ProblemResult(Problems.Conflict(ProblemTexts.EventIdTakenOnCommit)),
            _ => NotFound(),
        };
    }

    private static async Task<Results<JsonAnswer<ReservationReleased>, ProblemResult>> Release(
        Guid id, HttpContext http, ReservationSettlements settlements, QuotaReader quotas)
    {
        var userId = http.Caller().UserId;
        return await settlements.SettleAsync(new Settlement(userId, id, Commit: null), http.RequestAborted) switch
        {
            SettlementOutcome.Released => Answers.Ok(new ReservationReleased(
                id, ReservationStates.Released, await quotas.ReadAsync(userId, http.RequestAborted))),
            SettlementOutcome.AlreadyCommitted => new ProblemResult(Problems.Conflict(ProblemTexts.ReservationCommitted)),
            SettlementOutcome.TooLate late => new ProblemResult(Problems.Conflict(
                "The lease of this reservation ended too long ago: what was left of it could be given back until "
                + $"{late.RefundableUntil:yyyy-MM-dd'T'HH:mm:ss'Z'}, and stays used.")),
            _ => NotFound(),
        };
    }

    private static PendingReservation Validate(ReservationRequest request, Caller caller, string? idempotencyKey)
    {
        var errors = new FieldErrors();
        errors.Range("quantity", request.Quantity, 1, MaxUnits);
        errors.Tier("tier", request.Tier, required: true);
        errors.Text("library", request.Library, FieldErrors.LongestLibrary);
        errors.Range("ttl_seconds", request.TtlSeconds, 1, MaxTtl);
        errors.Text("machine", request.Machine, MaxMachine);
        if (request.OnceKey is { } onceKey && !VisibleAscii.IsIdempotencyKey(onceKey))
            errors.Add("once_key", ProblemTexts.IdempotencyKeyMalformed);
        errors.ThrowIfAny();
        var timeToLive = TimeSpan.FromSeconds(request.TtlSeconds ?? 900);
        return new PendingReservation(
            caller.UserId, request.Quantity ?? 1, request.Tier!, timeToLive, request.Library, request.Machine, request.OnceKey,
            idempotencyKey)
        {
            KeyId = caller.ApiKeyId,
        };
    }

    private static string Explain(ExtensionOutcome.OutlivesSubscription outlives) =>
        "The reservation has units of overage, which are billed only until the end of the subscription, at "
        + $"{outlives.Ends:yyyy-MM-dd'T'HH:mm:ss'Z'}. "
        + (outlives.CommitBy is { } by
            ? $"It cannot be extended: commit it by {by:yyyy-MM-dd'T'HH:mm:ss'Z'}."
            : "Extend it by less.");

    private static ProblemResult NotFound() => new(Problems.NotFound(ProblemTexts.ReservationNotFound));

    private static Reservation Describe(StoredReservation row, string? lease, QuotaSnapshot quota) =>
        new(row.Id, row.State, row.Quantity, row.Remaining, row.Tier, row.Library, row.Month, row.ExpiresAt, lease, quota)
        {
            KeyId = row.KeyId,
        };
}
