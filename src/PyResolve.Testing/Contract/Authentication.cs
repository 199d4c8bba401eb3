using PyResolve.Client.Wire;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal enum RouteAccess
{
    Anyone,
    KeyOrSession, // A key, with the route's scope if it has one, or a session.
    Session,
}

internal sealed record FakeCaller(AccountState Account, FakeKey? Key, string? SessionToken)
{
    public bool HasScope(string scope) => Key is null || Key.Scopes.Contains(scope);
}

internal static class Authentication
{
    private const string Bearer = "Bearer ";

    public static FakeCaller Find(ServerState server, FakeRequest request, RouteAccess access, string? scope)
    {
        var caller = Find(server, request);
        if (access is RouteAccess.Session && caller.Key is not null)
            throw new ProblemException(Problems.Forbidden(ProblemCodes.ScopeMissing, ProblemTexts.SessionRequired));
        if (scope is not null && !caller.HasScope(scope))
            throw new ProblemException(Problems.Forbidden(ProblemCodes.ScopeMissing, ProblemTexts.ScopeMissing(scope)));
        return caller;
    }

    private static FakeCaller Find(ServerState server, FakeRequest request)
    {
        var apiKey = request.Header("X-API-Key");
        var authorization = request.Header("Authorization");
        var bearer = authorization?.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) == true
            ? authorization[Bearer.Length..].Trim()
            : null;
        if (!string.IsNullOrEmpty(apiKey) && !string.IsNullOrEmpty(bearer))
            throw new ProblemException(Problems.Malformed(ProblemTexts.TwoCredentials));
        var credential = string.IsNullOrEmpty(apiKey) ? bearer : apiKey;
        if (string.IsNullOrEmpty(credential))
            throw Unauthenticated($"API key required. Get one at {server.PublicUrl}");
        if (credential.StartsWith(FakeKey.Start, StringComparison.Ordinal))
            return FindByKey(server, credential);
        if (string.IsNullOrEmpty(apiKey) && credential.StartsWith(FakeSession.Start, StringComparison.Ordinal))
            return FindBySession(server, credential);
        throw Unauthenticated(ProblemTexts.ApiKeyMalformed);
    }

    private static FakeCaller FindByKey(ServerState server, string secret)
    {
        var found = server.Accounts.SelectMany(static account => account.Keys, static (account, key) => (account, key))
            .FirstOrDefault(pair => pair.key.Secret == secret && pair.key.IsLive(server.Now));
        if (found.key is not { } key)
            throw Unauthenticated(ProblemTexts.ApiKeyUnknown);
        if (key.CountRequest(server.Now) is { } wait)
        {
            var detail = $"This API key may make {key.RequestsPerMinute} requests a minute. Wait before the next one.";
            throw new ProblemException(Problems.Create(429, ProblemCodes.RateLimited, detail), wait);
        }

        key.LastUsedAt = server.Now;
        return new(found.account, key, SessionToken: null);
    }

    private static FakeCaller FindBySession(ServerState server, string token)
    {
        var account = server.Accounts.Find(account => account.Sessions.Any(session => session.Token == token
            && session.ExpiresAt > server.Now));
        return account is null ? throw Unauthenticated(ProblemTexts.SessionUnknown) : new(account, Key: null, token);
    }

    private static ProblemException Unauthenticated(string detail) => new(Problems.Unauthenticated(detail));
}
