using PyResolve.Client.Wire;
using PyResolve.Server.Accounts;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Access;

/// <summary>
/// Finds the caller before the body is read, on routes that require one. Refusals are plain answers, not exceptions: a flood of wrong
/// keys must cost little.
/// </summary>
internal sealed class AccessMiddleware(RequestDelegate next, ApiKeyVerifier keys, Sessions sessions, PublicUrl publicUrl)
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
            await http.WriteAsync(refusal);
            return;
        }

        http.Features.Set(caller);
        await next(http);
    }

    private async ValueTask<(Caller? Caller, Problem? Refusal)> FindCallerAsync(HttpContext http)
    {
        string? apiKey = http.Request.Headers["X-API-Key"];
        string? authorization = http.Request.Headers.Authorization;
        var bearer = authorization is not null && authorization.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase)
            ? authorization[BearerScheme.Length..].Trim()
            : authorization;

        if (!string.IsNullOrEmpty(apiKey) && !string.IsNullOrEmpty(bearer))
            return (null, Problems.Malformed("Send either X-API-Key or Authorization, not both."));
        var credential = string.IsNullOrEmpty(apiKey) ? bearer : apiKey;
        if (string.IsNullOrEmpty(credential))
            return (null, Problems.Unauthenticated($"API key required. Get one at {publicUrl.Value}"));

        if (ApiKeyFormat.HasKeyForm(credential))
        {
            return await keys.VerifyAsync(credential, http.RequestAborted) is { } owner
                ? (owner, null)
                : (null, Problems.Unauthenticated("Invalid or revoked API key"));
        }

        if (string.IsNullOrEmpty(apiKey) && SessionToken.HasTokenForm(credential))
        {
            return await sessions.FindAsync(credential, http.RequestAborted) is { } user
                ? (user, null)
                : (null, Problems.Unauthenticated("Invalid or expired session. Log in again."));
        }

        return (null, Problems.Unauthenticated("Invalid API key format"));
    }

    private static Problem? Judge(Caller caller, AccessRequirement requirement)
    {
        if (requirement.SessionOnly && caller.SessionId is null)
            return Problems.Forbidden(ProblemCodes.ScopeMissing, "This needs a session: log in, and send the session token instead of an API key.");
        if (requirement.Scope is { } scope && !caller.Has(scope))
            return Problems.Forbidden(ProblemCodes.ScopeMissing, $"This API key lacks the scope '{scope}'. Make one that has it, or log in.");
        return null;
    }
}
