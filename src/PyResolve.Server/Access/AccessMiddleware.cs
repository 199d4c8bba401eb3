using PyResolve.Client.Wire;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Identity;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Access;

/// <summary>
/// Finds the caller before the body is read, on routes that require one. Refusals are plain answers, not exceptions: a flood of wrong
/// keys must cost little.
/// </summary>
internal sealed class AccessMiddleware(RequestDelegate next, ApiKeyVerifier keys, Sessions sessions, Identities identities, PublicUrl publicUrl)
{
    private const string BearerScheme = "Bearer ";

    public async Task InvokeAsync(HttpContext http)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<AccessRequirement>() is not { } requirement)
        {
            await next(http);
            return;
        }

        var (caller, refusal) = await FindCallerAsync(http);
        refusal ??= caller is null ? null : Judge(caller, requirement);
        if (refusal is not null)
        {
            await http.WriteAsync(refusal.Problem, refusal.RetryAfter);
            return;
        }

        http.Features.Set(caller);
        // X-API-Key, unlike Authorization, does not keep a shared cache from storing the answer.
        http.Response.Headers.CacheControl = "no-store";
        await next(http);
    }

    private async ValueTask<(Caller? Caller, Refusal? Refusal)> FindCallerAsync(HttpContext http)
    {
        string? apiKey = http.Request.Headers["X-API-Key"];
        string? authorization = http.Request.Headers.Authorization;
        // Another scheme, such as a proxy's Basic, is not ours to judge.
        var bearer = authorization is not null && authorization.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase)
            ? authorization[BearerScheme.Length..].Trim()
            : null;

        if (!string.IsNullOrEmpty(apiKey) && !string.IsNullOrEmpty(bearer))
            return (null, new Refusal(Problems.Malformed("Send either X-API-Key or Authorization, not both.")));
        var credential = string.IsNullOrEmpty(apiKey) ? bearer : apiKey;
        if (string.IsNullOrEmpty(credential))
            return (null, new Refusal(Problems.Unauthenticated($"API key required. Get one at {publicUrl.Value}")));

        if (ApiKeyFormat.HasKeyForm(credential))
        {
            var verdict = await keys.VerifyAsync(credential, http.RequestAborted);
            if (verdict.TooManyTries)
                return (null, new Refusal(RateLimits.Problem("Too many wrong secrets were tried on this key's prefix. Wait before the next try."), LegacyKeys.TryRegained));
            if (verdict.Key is not { } key)
                return (null, new Refusal(Problems.Unauthenticated("Invalid or revoked API key")));
            return RateLimits.Take(http, key.Limiter) is { } wait
                ? (null, new Refusal(RateLimits.Problem($"This API key may make {key.Limiter!.Limit} requests a minute. Wait before the next one."), wait))
                : (key.Owner, null);
        }

        if (string.IsNullOrEmpty(apiKey) && SessionToken.HasTokenForm(credential))
        {
            return await sessions.FindAsync(credential, http.RequestAborted) is { } user
                ? (user, null)
                : (null, new Refusal(Problems.Unauthenticated("Invalid or expired session. Log in again.")));
        }

        return string.IsNullOrEmpty(apiKey) && identities.Accepts(credential)
            ? await identities.FindAsync(credential, Origin.OfOwner(http), http.RequestAborted)
            : (null, new Refusal(Problems.Unauthenticated("Invalid API key format")));
    }

    private static Refusal? Judge(Caller caller, AccessRequirement requirement)
    {
        if (requirement.SessionOnly && !caller.IsSession)
            return new Refusal(Problems.Forbidden(ProblemCodes.ScopeMissing, "This needs a session: log in, and send the session token instead of an API key."));
        if (requirement.Scope is { } scope && !caller.Has(scope))
            return new Refusal(Problems.Forbidden(ProblemCodes.ScopeMissing, $"This API key lacks the scope '{scope}'. Make one that has it, or log in."));
        return null;
    }
}
