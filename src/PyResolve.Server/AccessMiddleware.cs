using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Identity;
using PyResolve.Server.Keys;
using PyResolve.Server.Telemetry;

namespace PyResolve.Server;

/// <summary>Authenticates before the body is read. Problems are written, not thrown: a flood of wrong keys must cost little.</summary>
internal sealed class AccessMiddleware(
    RequestDelegate next, ApiKeyVerifier keys, RequestLimiters limiters, Sessions sessions, Identities identities, PublicUrl publicUrl,
    AcceptedKeys accepted, ServerMetrics metrics)
{
    private const string BearerScheme = "Bearer ";

    // A key in memory, as on nearly every request, needs no state machine.
    public Task InvokeAsync(HttpContext http)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<AccessRequirement>() is not { } requirement)
            return next(http);
        var authentication = AuthenticateAsync(http);
        return authentication.IsCompletedSuccessfully
            ? ContinueAsync(http, requirement, authentication.Result)
            : AwaitAsync(http, requirement, authentication);
    }

    private async Task AwaitAsync(HttpContext http, AccessRequirement requirement, ValueTask<Outcome<Caller>> authentication) =>
        await ContinueAsync(http, requirement, await authentication);

    private Task ContinueAsync(HttpContext http, AccessRequirement requirement, Outcome<Caller> outcome)
    {
        if ((outcome.Problem ?? CheckRequirement(outcome.Value!, requirement)) is { } problem)
            return problem.ExecuteAsync(http);

        http.Features.Set(outcome.Value);
        // X-API-Key, unlike Authorization, does not keep a shared cache from storing the answer.
        http.Response.Headers.CacheControl = "no-store";
        // Lets clients see which of their keys belong to one account, and under which key queued work may be sent.
        if (requirement.Scope is Scopes.UsageWrite or Scopes.Quota)
            http.Response.Headers["X-Account-Id"] = outcome.Value!.UserId.ToString("D");
        return next(http);
    }

    private ValueTask<Outcome<Caller>> AuthenticateAsync(HttpContext http)
    {
        string? apiKey = http.Request.Headers["X-API-Key"];
        string? authorization = http.Request.Headers.Authorization;
        // Other schemes, such as a proxy's Basic, are ignored.
        var bearer = authorization is not null && authorization.StartsWith(BearerScheme, StringComparison.OrdinalIgnoreCase)
            ? authorization[BearerScheme.Length..].Trim()
            : null;

        if (!string.IsNullOrEmpty(apiKey) && !string.IsNullOrEmpty(bearer))
            return Problem(Problems.Malformed(ProblemTexts.TwoCredentials));
        var credential = string.IsNullOrEmpty(apiKey) ? bearer : apiKey;
        if (string.IsNullOrEmpty(credential))
            return Problem(Problems.Unauthenticated($"API key required. Get one at {publicUrl.Value}"));

        if (accepted.HasKeyForm(credential))
            return AuthenticateKey(http, credential);
        if (string.IsNullOrEmpty(apiKey) && TokenKind.Session.HasPrefix(credential))
            return AuthenticateSessionAsync(http, credential);
        return string.IsNullOrEmpty(apiKey) && identities.Accepts(credential)
            ? identities.AuthenticateAsync(credential, Origin.OfOwner(http), http.RequestAborted)
            : Problem(Problems.Unauthenticated(ProblemTexts.ApiKeyMalformed));
    }

    private ValueTask<Outcome<Caller>> AuthenticateKey(HttpContext http, string key)
    {
        if (!accepted.IsWellFormed(key))
            return new(ToAuthentication(http, default, isRemembered: false));
        var digest = KeyDigest.Of(key);
        return keys.TryRecall(digest, out var outcome)
            ? new(ToAuthentication(http, outcome, isRemembered: true))
            : AuthenticateKeyAtStoreAsync(http, key, digest);
    }

    private async ValueTask<Outcome<Caller>> AuthenticateKeyAtStoreAsync(HttpContext http, string key, KeyDigest digest) =>
        ToAuthentication(
            http, await keys.VerifyAsync(key, digest, http.Connection.RemoteIpAddress, http.RequestAborted), isRemembered: false);

    private async ValueTask<Outcome<Caller>> AuthenticateSessionAsync(HttpContext http, string token) =>
        await sessions.FindAsync(token, http.RequestAborted) is { } caller
            ? caller
            : Unknown(ProblemTexts.SessionUnknown);

    private Outcome<Caller> ToAuthentication(HttpContext http, KeyOutcome outcome, bool isRemembered)
    {
        metrics.KeyChecked(isRemembered, outcome.Key is not null, outcome.TooManyTries);
        if (outcome.TooManyTries)
        {
            return RateLimits.Problem(
                "Too many wrong secrets were tried on this key's prefix. Wait before the next try.", LegacyKeys.TryRegained);
        }

        if (outcome.Key is not { Owner: var caller })
            return Unknown(ProblemTexts.ApiKeyUnknown);
        return RateLimits.TakePermit(http, caller, limiters) is { } wait
            ? RateLimits.Problem($"This API key may make {caller.RequestsPerMinute} requests a minute. Wait before the next one.", wait)
            : caller;
    }

    private static ProblemResult? CheckRequirement(Caller caller, AccessRequirement requirement)
    {
        if (requirement.SessionOnly && !caller.IsSession)
            return ScopeMissing(ProblemTexts.SessionRequired);
        if (requirement.Scope is { } scope && !caller.Has(scope))
            return ScopeMissing(ProblemTexts.ScopeMissing(scope));
        return null;
    }

    private static ProblemResult Unknown(string detail) =>
        new(Problems.Unauthenticated(detail)) { SecurityEvent = SecurityEvents.CredentialRefused };

    private static ProblemResult ScopeMissing(string detail) => new(Problems.Forbidden(ProblemCodes.ScopeMissing, detail));

    private static ValueTask<Outcome<Caller>> Problem(Problem problem) => new(new ProblemResult(problem));
}
