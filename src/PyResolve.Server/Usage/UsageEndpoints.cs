using Microsoft.AspNetCore.Http.HttpResults;
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
        usage.MapPost("", Record);
        usage.MapPost("/batch", RecordBatch);
    }

    private static async Task<Results<JsonAnswer<UsageRecorded>, ProblemResult>> Record(
        Body<UsageEventRequest> body, HttpContext http, UsageLedger ledger, TimeProvider time)
    {
        var idempotencyKey = IdempotencyKey.ReadUuid(http);
        var usage = body.Value;
        if (idempotencyKey is not null && usage.Id is not null && idempotencyKey != usage.Id)
            return new ProblemResult(Problems.Malformed(ProblemTexts.TwoIds));
        usage = usage with { Id = usage.Id ?? idempotencyKey };
        if (UsageRules.Check(usage, time.GetUtcNow()) is { } problem)
            return new ProblemResult(problem);

        var caller = http.Caller();
        var outcome = await ledger.RecordAsync(caller.UserId, caller.ApiKeyId, usage, http.RequestAborted);
        return outcome.ToProblem() is { } refused ? new ProblemResult(refused) : Answers.Ok(new UsageRecorded("recorded"));
    }

    private static async Task<JsonAnswer<UsageBatchResponse>> RecordBatch(UsageBatch batch, HttpContext http, UsageLedger ledger)
    {
        var outcomes = batch.Events.Length > 0 ? await ledger.RecordAsync(http.Caller().UserId, batch.Events, http.RequestAborted) : [];
        return Answers.Ok(batch.Describe(outcomes));
    }
}
