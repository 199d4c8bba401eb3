using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

internal static class ApiKeyEndpoints
{
    private const int LongestName = 100;

    public static void MapApiKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/auth/api-keys").WithTags("API keys").RequireScope(Scopes.Keys);
        keys.MapGet("", List).Produces<ApiKeyList>();
        keys.MapPost("", Create).Accepts<CreateApiKeyRequest>(isOptional: true, "application/json").Produces<CreatedApiKey>(201);
        keys.MapDelete("/{id:guid}", Revoke).Produces(204);
    }

    private static async Task<IResult> List(HttpContext http, ApiKeys keys) =>
        TypedResults.Ok(new ApiKeyList(await keys.ListAsync(http.Caller().UserId, http.RequestAborted)));

    private static async Task<IResult> Create(HttpContext http, ApiKeys keys, TimeProvider time)
    {
        var caller = http.Caller();
        var body = await JsonBody.ReadAsync(http, WireJson.Default.CreateApiKeyRequest, whenEmpty: new());
        var scopes = body.Scopes is null ? [.. Scopes.Default.Where(caller.Has)] : body.Scopes.Distinct(StringComparer.Ordinal).ToList();
        var expiresAt = body.ExpiresAt?.ToInstant() ?? caller.ExpiresAt;

        var errors = new FieldErrors();
        errors.Text("name", body.Name, LongestName);
        errors.Range("requests_per_minute", body.RequestsPerMinute, 1, 1_000_000);
        foreach (var unknown in scopes.Except(Scopes.All, StringComparer.Ordinal))
            errors.Add("scopes", $"must be some of {string.Join(", ", Scopes.All)}; '{unknown}' is none of them.");
        if (scopes.Count == 0)
            errors.Add("scopes", "must name at least one scope.");
        if (expiresAt <= time.GetUtcNow())
            errors.Add("expires_at", "must be in the future.");
        errors.ThrowIfAny();

        if (scopes.Where(scope => !caller.Has(scope)).ToList() is { Count: > 0 } beyond)
            return new ProblemResult(Problems.Forbidden(ProblemCodes.ScopeMissing, $"A key can make keys only within its own scopes; this one lacks {string.Join(", ", beyond)}."));
        if (expiresAt > caller.ExpiresAt)
            return new ProblemResult(Problems.Forbidden(ProblemCodes.ScopeMissing, "A key can make keys only within its own expiry."));

        var name = string.IsNullOrWhiteSpace(body.Name) ? ApiKeys.DefaultName : body.Name.Trim();
        var created = await keys.CreateAsync(caller.UserId, new NewApiKey(name, scopes, expiresAt, body.RequestsPerMinute), http.RequestAborted);
        return TypedResults.Created((string?)null, created);
    }

    private static async Task<IResult> Revoke(Guid id, HttpContext http, ApiKeys keys) =>
        await keys.RevokeAsync(http.Caller().UserId, id, http.RequestAborted)
            ? TypedResults.NoContent()
            : new ProblemResult(Problems.NotFound("There is no such API key. GET /auth/api-keys lists yours."));
}
