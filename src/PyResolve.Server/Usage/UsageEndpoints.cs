using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;

namespace PyResolve.Server.Usage;

internal static class UsageEndpoints
{
    public static void MapUsage(this IEndpointRouteBuilder routes) => routes.MapPost("/usage", Record)
        .WithTags("Usage")
        .Accepts<UsageEventRequest>("application/json")
        .Produces<UsageRecorded>()
        .RequireScope(Scopes.UsageWrite);

    private static async Task<IResult> Record(HttpContext http, UsageLedger ledger, TimeProvider time)
    {
        var idempotencyKey = ReadIdempotencyKey(http);
        var usage = await JsonBody.ReadAsync(http, WireJson.Default.UsageEventRequest);
        if (idempotencyKey is not null && usage.Id is not null && idempotencyKey != usage.Id)
            return new ProblemResult(Problems.Malformed("The body's id and the Idempotency-Key differ. Send one of them."));
        usage = usage with { Id = usage.Id ?? idempotencyKey };
        if (UsageRules.Check(usage, time.GetUtcNow()) is { } problem)
            return new ProblemResult(problem);

        return await ledger.RecordAsync(http.Caller().UserId, usage, http.RequestAborted) switch
        {
            RecordOutcome.Recorded or RecordOutcome.Duplicate => TypedResults.Ok(new UsageRecorded("recorded")),
            RecordOutcome.Conflict => new ProblemResult(Problems.Conflict("Another usage event has this id already. Use a new id for each event.")),
            RecordOutcome.NoSuchReservation => new ProblemResult(Problems.Invalid("reservation_id", "There is no such reservation.")),
            RecordOutcome.OtherTier => new ProblemResult(Problems.Invalid("tier", "must be that of the reservation.")),
            _ => new ProblemResult(Problems.Invalid("body", "has a value that the store does not take. Leave out what is unusual in it, such as in metadata.")),
        };
    }

    private static Guid? ReadIdempotencyKey(HttpContext http)
    {
        if (!http.Request.Headers.TryGetValue("Idempotency-Key", out var values))
            return null;
        return values is [{ } text] && Guid.TryParseExact(text, "D", out var key)
            ? key
            : throw new ProblemException(Problems.Malformed("Idempotency-Key must be a UUID here, such as 019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90."));
    }
}
