using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Usage;

internal static class UsageEndpoints
{
    public static void MapUsage(this IEndpointRouteBuilder routes)
    {
        var usage = routes.MapGroup("/usage").WithTags("Usage").RequireScope(Scopes.UsageWrite);
        usage.MapPost("", Record).Accepts<UsageEventRequest>("application/json").Produces<UsageRecorded>();
        usage.MapPost("/batch", RecordBatch).Accepts<UsageBatchRequest>("application/json").Produces<UsageBatchResponse>();
    }

    private static async Task<IResult> Record(HttpContext http, UsageLedger ledger, TimeProvider time)
    {
        var idempotencyKey = ReadIdempotencyKey(http);
        var usage = await JsonBody.ReadAsync(http, WireJson.Default.UsageEventRequest);
        if (idempotencyKey is not null && usage.Id is not null && idempotencyKey != usage.Id)
            return new ProblemResult(Problems.Malformed("The body's id and the Idempotency-Key differ. Send one of them."));
        usage = usage with { Id = usage.Id ?? idempotencyKey };
        if (UsageRules.Check(usage, time.GetUtcNow()) is { } problem)
            return new ProblemResult(problem);

        var outcome = await ledger.RecordAsync(http.Caller().UserId, usage, http.RequestAborted);
        return outcome.ToProblem() is { } refusal ? new ProblemResult(refusal) : Answers.Ok(new UsageRecorded("recorded"));
    }

    private static async Task<IResult> RecordBatch(HttpContext http, UsageLedger ledger, TimeProvider time)
    {
        var batch = UsageBatch.Read(await JsonBody.ReadJsonAsync(http, UsageBatch.LargestBody), time.GetInstant());
        var outcomes = batch.Records.Length > 0 ? await ledger.RecordAsync(http.Caller().UserId, batch.Records, http.RequestAborted) : [];
        return Answers.Ok(batch.Describe(outcomes));
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
