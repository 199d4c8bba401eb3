using System.Buffers;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Leases;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Quota;

internal static class ReservationEndpoints
{
    private const int MostUnits = 1_000;
    private const int LongestTtl = 604_800;
    private const int LongestKey = 255;
    private const int LongestMachine = 255;

    private static readonly SearchValues<char> VisibleAscii = SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Select(code => (char)code)]);

    public static void MapReservations(this IEndpointRouteBuilder routes)
    {
        var reservations = routes.MapGroup("/quota/reservations").RequireScope(Scopes.Quota);
        reservations.MapPost("", Create).Accepts<ReservationRequest>("application/json").Produces<Reservation>(201).Produces<Reservation>();
        reservations.MapGet("/{id:guid}", Read).Produces<Reservation>();
        reservations.MapPost("/{id:guid}/commit", Commit).Accepts<CommitRequest>(isOptional: true, "application/json").Produces<ReservationCommitted>();
        reservations.MapDelete("/{id:guid}", Release).Produces<ReservationReleased>();
    }

    private static async Task<IResult> Create(HttpContext http, Reservations reservations, QuotaReader quotas, LeaseSigner leases, PublicUrl publicUrl)
    {
        var idempotencyKey = ReadIdempotencyKey(http);
        var body = await JsonBody.ReadAsync(http, WireJson.Default.ReservationRequest);
        var errors = new FieldErrors();
        errors.Range("quantity", body.Quantity, 1, MostUnits);
        errors.Tier("tier", body.Tier, required: true);
        errors.Text("library", body.Library, FieldErrors.LongestLibrary);
        errors.Range("ttl_seconds", body.TtlSeconds, 1, LongestTtl);
        errors.Text("machine", body.Machine, LongestMachine);
        if (body.OnceKey is { } onceKey && !IsKey(onceKey))
            errors.Add("once_key", $"must be 1 to {LongestKey} visible ASCII characters.");
        errors.ThrowIfAny();

        var wanted = new HoldRequest(body.Quantity ?? 1, body.Tier!, body.Library, TimeSpan.FromSeconds(body.TtlSeconds ?? 900), body.Machine, body.OnceKey);
        var outcome = await reservations.HoldAsync(http.Caller().UserId, wanted, idempotencyKey, http.RequestAborted);
        switch (outcome)
        {
            case HoldOutcome.Granted granted:
                var quota = granted.Quota ?? await quotas.ReadAsync(http.Caller().UserId, http.RequestAborted);
                var reservation = Describe(granted.Hold, leases.Sign(http.Caller().UserId, granted.Hold, wanted.Machine), quota);
                return granted.IsNew ? Answers.Created($"/quota/reservations/{reservation.Id}", reservation) : Answers.Ok(reservation);
            case HoldOutcome.QuotaExceeded refused:
                return new ProblemResult(
                    Problems.Create(402, ProblemCodes.QuotaExceeded, Explain(refused)) with { UpgradeUrl = publicUrl.Upgrade, ResetsAt = refused.ResetsAt });
            case HoldOutcome.LlmNotAllowed refused:
                return new ProblemResult(
                    Problems.Forbidden(ProblemCodes.LlmNotAllowed, $"LLM migrations (tier2, tier3) are not part of the {refused.Plan} plan. Upgrade at {publicUrl.Upgrade}, or use tier1.")
                        with { UpgradeUrl = publicUrl.Upgrade });
            case HoldOutcome.Conflict conflict:
                return new ProblemResult(Problems.Conflict(conflict.Detail));
            default:
                throw new InvalidOperationException($"Unknown outcome {outcome}.");
        }
    }

    private static async Task<IResult> Read(Guid id, HttpContext http, Reservations reservations, QuotaReader quotas, LeaseSigner leases)
    {
        if (await reservations.FindAsync(http.Caller().UserId, id, http.RequestAborted) is not { } hold)
            return NoSuchReservation();
        var reservation = Describe(
            hold, leases.Sign(http.Caller().UserId, hold, hold.Machine), await quotas.ReadAsync(http.Caller().UserId, http.RequestAborted));
        return Answers.Ok(reservation with { Receipt = hold.Receipt });
    }

    private static async Task<IResult> Commit(Guid id, HttpContext http, Reservations reservations, QuotaReader quotas)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.CommitRequest, whenEmpty: new());
        var errors = new FieldErrors();
        errors.Range("quantity", body.Quantity, 1, MostUnits);
        UsageRules.CheckCounts(errors, body.FilesChanged, body.TokensUsed);
        errors.Text("library", body.Library, FieldErrors.LongestLibrary);
        errors.Metadata("metadata", body.Metadata);
        errors.ThrowIfAny();

        var outcome = await reservations.CommitAsync(http.Caller().UserId, id, body, http.RequestAborted);
        return outcome switch
        {
            SettlementOutcome.Committed committed => Answers.Ok(new ReservationCommitted(
                id,
                ReservationStates.Committed,
                committed.UsageEventId,
                Remaining: 0,
                await quotas.ReadAsync(http.Caller().UserId, http.RequestAborted))),
            SettlementOutcome.TooMany tooMany => new ProblemResult(Problems.Invalid("quantity", $"is more than the {tooMany.Available} that the reservation has left.")),
            SettlementOutcome.Refused => new ProblemResult(RecordOutcome.Refused.ToProblem()!),
            SettlementOutcome.IdTaken => new ProblemResult(Problems.Conflict("Another usage event has this id already. Send another id, or none.")),
            _ => NoSuchReservation(),
        };
    }

    private static async Task<IResult> Release(Guid id, HttpContext http, Reservations reservations, QuotaReader quotas) =>
        await reservations.ReleaseAsync(http.Caller().UserId, id, http.RequestAborted) switch
        {
            SettlementOutcome.Released => Answers.Ok(new ReservationReleased(
                id, ReservationStates.Released, await quotas.ReadAsync(http.Caller().UserId, http.RequestAborted))),
            SettlementOutcome.IsCommitted => new ProblemResult(Problems.Conflict("This reservation is committed: its migration is used and cannot be given back.")),
            SettlementOutcome.TooLate late => new ProblemResult(Problems.Conflict(
                $"The lease of this reservation ended too long ago: what was left of it could be given back until {late.RefundedUntil:yyyy-MM-dd'T'HH:mm:ss'Z'}, and stays used.")),
            _ => NoSuchReservation(),
        };

    private static ProblemResult NoSuchReservation() => new(Problems.NotFound("There is no such reservation."));

    private static string Explain(HoldOutcome.QuotaExceeded refused) =>
        $"Monthly limit reached ({refused.Limit} migrations on the {refused.Plan} plan: {refused.Used} used, {refused.Held} held, {refused.Asked} asked for). "
        + $"It resets at {refused.ResetsAt:yyyy-MM-dd'T'HH:mm:ss'Z'}.";

    private static Reservation Describe(Hold hold, string? lease, QuotaSnapshot quota) =>
        new(hold.Id, hold.State, hold.Quantity, hold.Remaining, hold.Tier, hold.Library, hold.Month, hold.ExpiresAt, lease, quota);

    private static string? ReadIdempotencyKey(HttpContext http)
    {
        if (!http.Request.Headers.TryGetValue("Idempotency-Key", out var values))
            return null;
        return values is [{ } key] && IsKey(key)
            ? key
            : throw new ProblemException(Problems.Malformed($"Idempotency-Key must be 1 to {LongestKey} visible ASCII characters, sent once."));
    }

    private static bool IsKey(string key) => key.Length is > 0 and <= LongestKey && !key.AsSpan().ContainsAnyExcept(VisibleAscii);
}
