using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

internal static class ApiKeyEndpoints
{
    private const int LongestName = 100;
    private const int LongestGrace = 30 * 24 * 60 * 60;

    public static void MapApiKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/auth/api-keys").WithTags("API keys");
        keys.MapGet("", List).Produces<ApiKeyList>().RequireScope(Scopes.Keys);
        keys.MapPost("", Create).Accepts<CreateApiKeyRequest>(isOptional: true, "application/json").Produces<CreatedApiKey>(201).RequireScope(Scopes.Keys);
        keys.MapPost("/{id:guid}/rotate", Rotate).Accepts<RotateApiKeyRequest>(isOptional: true, "application/json").Produces<RotatedApiKey>(201).RequireScope(Scopes.Keys);
        keys.MapDelete("/{id:guid}", Revoke).Produces(204).RequireScope(Scopes.Keys);
        keys.MapPost("/report-leak", ReportLeak).Accepts<ReportLeakRequest>("application/json").Produces(202);
    }

    private static async Task<IResult> List(HttpContext http, ApiKeys keys) =>
        Answers.Ok(new ApiKeyList(await keys.ListAsync(http.Caller().UserId, http.RequestAborted)));

    private static async Task<IResult> Create(HttpContext http, ApiKeys keys, TimeProvider time)
    {
        var caller = http.Caller();
        var body = await JsonBody.ReadAsync(http, WireJson.Default.CreateApiKeyRequest, whenEmpty: new());
        var scopes = body.Scopes is null ? [.. Scopes.Default.Where(caller.Has)] : body.Scopes.Distinct(StringComparer.Ordinal).ToList();
        var expiresAt = body.ExpiresAt?.ToInstant() ?? caller.ExpiresAt;
        var limit = body.RequestsPerMinute ?? caller.RequestsPerMinute;

        var errors = new FieldErrors();
        errors.Text("name", body.Name, LongestName);
        errors.Range("requests_per_minute", body.RequestsPerMinute, 1, 1_000_000);
        if (scopes.Except(Scopes.All, StringComparer.Ordinal).Any())
            errors.Add("scopes", $"must be some of {string.Join(", ", Scopes.All)}.");
        if (scopes.Count == 0)
            errors.Add("scopes", "must name at least one scope.");
        if (expiresAt <= time.GetUtcNow())
            errors.Add("expires_at", "must be in the future.");
        errors.ThrowIfAny();

        if (scopes.Where(scope => !caller.Has(scope)).ToList() is { Count: > 0 } beyond)
            return BeyondCaller($"A key can make keys only within its own scopes; this one lacks {string.Join(", ", beyond)}.");
        if (expiresAt > caller.ExpiresAt)
            return BeyondCaller("A key can make keys only within its own expiry.");
        if (limit > caller.RequestsPerMinute)
            return BeyondCaller($"A key can make keys only within its own limit: requests_per_minute may be at most {caller.RequestsPerMinute}.");

        var name = string.IsNullOrWhiteSpace(body.Name) ? ApiKeys.DefaultName : body.Name.Trim();
        var wanted = new NewApiKey(name, scopes, expiresAt, limit);
        return await keys.CreateAsync(caller.UserId, wanted, Origin.Of(http), http.RequestAborted) is { } created
            ? Answers.Created(location: null, created)
            : new ProblemResult(keys.TooMany);
    }

    private static async Task<IResult> Rotate(Guid id, HttpContext http, ApiKeys keys)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.RotateApiKeyRequest, whenEmpty: new());
        var errors = new FieldErrors();
        errors.Range("grace_seconds", body.GraceSeconds, 0, LongestGrace);
        errors.ThrowIfAny();

        var grace = TimeSpan.FromSeconds(body.GraceSeconds ?? 0);
        return await keys.RotateAsync(http.Caller(), id, grace, Origin.Of(http), http.RequestAborted) switch
        {
            RotateOutcome.Rotated { Key: var key, PreviousExpiresAt: var previous } => Answers.Created(
                location: null, new RotatedApiKey(key.Id, key.Name, key.Prefix, key.Scopes, key.ExpiresAt, key.ApiKey, previous)),
            RotateOutcome.Dead => new ProblemResult(Problems.Conflict("This API key is revoked, expired or replaced already. Create a new one.")),
            RotateOutcome.BeyondCaller => BeyondCaller("A key can rotate only keys within its own scopes, expiry and limit."),
            RotateOutcome.NoRoom => new ProblemResult(keys.TooMany),
            _ => NoSuchKey(),
        };
    }

    private static async Task<IResult> Revoke(Guid id, HttpContext http, ApiKeys keys) =>
        await keys.RevokeAsync(http.Caller().UserId, id, Origin.Of(http), http.RequestAborted)
            ? TypedResults.NoContent()
            : NoSuchKey();

    /// <summary>Always 202: the answer tells nobody whether a key is live.</summary>
    private static async Task<IResult> ReportLeak(HttpContext http, ApiKeys keys)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.ReportLeakRequest);
        if (body.ApiKey is { } key)
            await keys.RevokeLeakedAsync(key.Trim(), Origin.Of(http), http.Connection.RemoteIpAddress, http.RequestAborted);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static ProblemResult BeyondCaller(string detail) => new(Problems.Forbidden(ProblemCodes.ScopeMissing, detail));

    private static ProblemResult NoSuchKey() => new(Problems.NotFound("There is no such API key. GET /auth/api-keys lists yours."));
}
