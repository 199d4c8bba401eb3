using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Identity;
using PyResolve.Server.Keys;

namespace PyResolve.Server;

/// <summary>
/// Finds the caller before the body is read, on routes that require one. Refusals are plain answers, not exceptions: a flood of wrong
/// keys must cost little.
/// </summary>
internal sealed class AccessMiddleware(
    RequestDelegate next, ApiKeyVerifier keys, RequestLimiters limiters, Sessions sessions, Identities identities, PublicUrl publicUrl)
{
    private const string BearerScheme = "Bearer ";

    /// <remarks>A remembered key, as on nearly every request, is found good without a state machine or a token source.</remarks>
    public Task InvokeAsync(HttpContext http)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<AccessRequirement>() is not { } requirement)
            return next(http);
        var finding = FindCallerAsync(http);
        return finding.IsCompletedSuccessfully ? GoOnAsync(http, requirement, finding.Result) : AwaitAsync(http, requirement, finding);
    }

    private async Task AwaitAsync(HttpContext http, AccessRequirement requirement, ValueTask<Finding> finding) =>
        await GoOnAsync(http, requirement, await finding);

    private Task GoOnAsync(HttpContext http, AccessRequirement requirement, Finding finding)
    {
        var refusal = finding.Refusal ?? Judge(finding.Caller!, requirement);
        if (refusal is not null)
            return http.WriteAsync(refusal.Problem, refusal.RetryAfter);

        http.Features.Set(finding.Caller);
        // X-API-Key, unlike Authorization, does not keep a shared cache from storing the answer.
        http.Response.Headers.CacheControl = "no-store";
        // So that a client knows which of its keys were one account's, and which work that waits may go under which.
        if (requirement.Scope is Scopes.UsageWrite or Scopes.Quota)
            http.Response.Headers["X-Account-Id"] = finding.Caller!.UserId.ToString("D");
        return next(http);
    }

    private ValueTask<Finding> FindCallerAsync(HttpContext http)
    {
        string? apiKey = http.Request.Headers["X-API-Key"];
        string? authorization = http.Request.Headers.Authorization;
        // Another scheme, such as a proxy's Basic, is not ours to judge.
        var bearer = authorization is not null && authorization.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase)
            ? authorization[BearerScheme.Length..].Trim()
            : null;

        if (!string.IsNullOrEmpty(apiKey) && !string.IsNullOrEmpty(bearer))
            return Refuse(Problems.Malformed("Send either X-API-Key or Authorization, not both."));
        var credential = string.IsNullOrEmpty(apiKey) ? bearer : apiKey;
        if (string.IsNullOrEmpty(credential))
            return Refuse(Problems.Unauthenticated($"API key required. Get one at {publicUrl.Value}"));

        if (ApiKeyFormat.HasKeyForm(credential))
            return keys.TryRecall(credential, out var verdict) ? new(Judge(http, verdict)) : FindByKeyAsync(http, credential);
        if (string.IsNullOrEmpty(apiKey) && SessionToken.HasTokenForm(credential))
            return FindBySessionAsync(http, credential);
        return string.IsNullOrEmpty(apiKey) && identities.Accepts(credential)
            ? FindByIdentityAsync(http, credential)
            : Refuse(Problems.Unauthenticated("Invalid API key format"));
    }

    private async ValueTask<Finding> FindByKeyAsync(HttpContext http, string key) =>
        Judge(http, await keys.VerifyAsync(key, http.Connection.RemoteIpAddress, http.RequestAborted));

    private async ValueTask<Finding> FindBySessionAsync(HttpContext http, string token) =>
        await sessions.FindAsync(token, http.RequestAborted) is { } user
            ? new Finding(user)
            : new Finding(new Refusal(Problems.Unauthenticated("Invalid or expired session. Log in again.")));

    private async ValueTask<Finding> FindByIdentityAsync(HttpContext http, string token)
    {
        var (caller, refusal) = await identities.FindAsync(token, Origin.OfOwner(http), http.RequestAborted);
        return new Finding(caller, refusal);
    }

    private static ValueTask<Finding> Refuse(Problem problem) => new(new Finding(new Refusal(problem)));

    private Finding Judge(HttpContext http, KeyVerdict verdict)
    {
        if (verdict.TooManyTries)
        {
            return new Finding(new Refusal(
                RateLimits.Problem("Too many wrong secrets were tried on this key's prefix. Wait before the next try."), LegacyKeys.TryRegained));
        }

        if (verdict.Key is not { } key)
            return new Finding(new Refusal(Problems.Unauthenticated("Invalid or revoked API key")));
        return RateLimits.Take(http, key.Owner, limiters) is { } wait
            ? new Finding(new Refusal(RateLimits.Problem($"This API key may make {key.Owner.RequestsPerMinute} requests a minute. Wait before the next one."), wait))
            : new Finding(key.Owner);
    }

    private static Refusal? Judge(Caller caller, AccessRequirement requirement)
    {
        if (requirement.SessionOnly && !caller.IsSession)
            return new Refusal(Problems.Forbidden(ProblemCodes.ScopeMissing, "This needs a session: log in, and send the session token instead of an API key."));
        if (requirement.Scope is { } scope && !caller.Has(scope))
            return new Refusal(Problems.Forbidden(ProblemCodes.ScopeMissing, $"This API key lacks the scope '{scope}'. Make one that has it, or log in."));
        return null;
    }

    /// <summary>A caller, or why there is none.</summary>
    private readonly record struct Finding(Caller? Caller, Refusal? Refusal)
    {
        public Finding(Caller caller)
            : this(caller, null)
        {
        }

        public Finding(Refusal refusal)
            : this(null, refusal)
        {
        }
    }
}
