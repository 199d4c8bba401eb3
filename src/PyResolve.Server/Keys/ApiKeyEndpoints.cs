using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

internal static class ApiKeyEndpoints
{
    public const int MaxNameLength = 100;
    public const int MaxRequestsPerMinute = 1_000_000;

    private const int MaxGraceSeconds = 30 * 24 * 60 * 60;

    public static void MapApiKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/auth/api-keys").WithTags("API keys");
        keys.MapGet("", List).RequireScope(Scopes.Keys);
        keys.MapPost("", Create).RequireScope(Scopes.Keys);
        keys.MapPost("/{id:guid}/rotate", Rotate).RequireScope(Scopes.Keys);
        keys.MapDelete("/{id:guid}", Revoke).RequireScope(Scopes.Keys);
        keys.MapPost("/report-leak", ReportLeak);
    }

    private static async Task<JsonAnswer<ApiKeyList>> List(
        HttpContext http, string? state, string? cursor, string? limit, ApiKeyLists lists) =>
        Answers.Ok(await lists.ReadAsync(http.Caller().UserId, KeyListQuery.Read(state, cursor, limit), http.RequestAborted));

    private static async Task<Results<CreatedAnswer<CreatedApiKey>, ProblemResult>> Create(
        OptionalBody<CreateApiKeyRequest> body, HttpContext http, ApiKeys keys, TimeProvider time)
    {
        var caller = http.Caller();
        var request = body.Value;
        var idempotencyKey = IdempotencyKey.Read(http);
        var scopes = request.Scopes is null
            ? [.. Scopes.Default.Where(caller.Has)]
            : request.Scopes.Distinct(StringComparer.Ordinal).ToList();
        var expiresAt = request.ExpiresAt?.ToInstant() ?? caller.ExpiresAt;
        var limit = request.RequestsPerMinute ?? caller.RequestsPerMinute;

        var errors = new FieldErrors();
        errors.Label("name", request.Name, MaxNameLength);
        errors.Range("requests_per_minute", request.RequestsPerMinute, 1, MaxRequestsPerMinute);
        if (scopes.Except(Scopes.All, StringComparer.Ordinal).Any())
            errors.Add("scopes", $"must be some of {string.Join(", ", Scopes.All)}.");
        if (scopes.Count == 0)
            errors.Add("scopes", ProblemTexts.NoScope);
        if (expiresAt <= time.GetUtcNow())
            errors.Add("expires_at", ProblemTexts.NotInFuture);
        errors.ThrowIfAny();

        if (scopes.Where(scope => !caller.Has(scope)).ToList() is { Count: > 0 } beyond)
            return BeyondCaller($"A key can make keys only within its own scopes; this one lacks {string.Join(", ", beyond)}.");
        if (expiresAt > caller.ExpiresAt)
            return BeyondCaller(ProblemTexts.KeyBeyondExpiry);
        if (limit > caller.RequestsPerMinute)
        {
            return BeyondCaller(
                $"A key can make keys only within its own limit: requests_per_minute may be at most {caller.RequestsPerMinute}.");
        }

        var name = string.IsNullOrWhiteSpace(request.Name) ? ApiKeys.DefaultName : request.Name.Trim();
        var wanted = new NewApiKey(name, scopes, expiresAt, limit, SharedWith(caller)) { IdempotencyKey = idempotencyKey };
        var outcome = await keys.CreateAsync(caller, wanted, Origin.Of(http), http.RequestAborted);
        return outcome.Value is { } created ? Answers.Created(location: null, created) : outcome.Problem!;
    }

    private static async Task<Results<CreatedAnswer<RotatedApiKey>, ProblemResult>> Rotate(
        Guid id, OptionalBody<RotateApiKeyRequest> body, HttpContext http, ApiKeys keys)
    {
        var graceSeconds = body.Value.GraceSeconds;
        var errors = new FieldErrors();
        errors.Range("grace_seconds", graceSeconds, 0, MaxGraceSeconds);
        errors.ThrowIfAny();

        var grace = TimeSpan.FromSeconds(graceSeconds ?? 0);
        return await keys.RotateAsync(http.Caller(), id, grace, Origin.Of(http), http.RequestAborted) switch
        {
            RotateOutcome.Rotated { Key: var key, PreviousExpiresAt: var previous } => Answers.Created(
                location: null, new RotatedApiKey(key.Id, key.Name, key.Prefix, key.Scopes, key.ExpiresAt, key.ApiKey, previous)),
            RotateOutcome.Ended => new ProblemResult(Problems.Conflict(ProblemTexts.KeyNotLive)),
            RotateOutcome.BeyondCaller => BeyondCaller(ProblemTexts.RotationBeyondKey),
            RotateOutcome.LimitReached reached => reached.Problem,
            _ => NoSuchKey(),
        };
    }

    private static async Task<Results<NoContent, ProblemResult>> Revoke(Guid id, HttpContext http, ApiKeys keys) =>
        await keys.RevokeAsync(http.Caller(), id, Origin.Of(http), http.RequestAborted) switch
        {
            RevokeOutcome.Revoked => TypedResults.NoContent(),
            RevokeOutcome.BeyondCaller => BeyondCaller(ProblemTexts.RevocationBeyondKey),
            _ => NoSuchKey(),
        };

    /// <summary>Revokes a key that leaked. The answer is always 202, and does not show whether the key is valid.</summary>
    private static async Task<Accepted> ReportLeak(Body<ReportLeakRequest> body, HttpContext http, ApiKeys keys)
    {
        if (body.Value.ApiKey is { } key)
            await keys.RevokeLeakedAsync(key.Trim(), Origin.Of(http), http.Connection.RemoteIpAddress, http.RequestAborted);
        return TypedResults.Accepted((string?)null);
    }

    private static SharedLimit? SharedWith(Caller caller) =>
        caller.SharedLimit ?? (caller is { ApiKeyId: { } id, RequestsPerMinute: { } limit } ? new SharedLimit(id, limit) : null);

    private static ProblemResult BeyondCaller(string detail) => new(Problems.Forbidden(ProblemCodes.ScopeMissing, detail));

    private static ProblemResult NoSuchKey() => new(Problems.NotFound(ProblemTexts.ApiKeyNotFound));
}
