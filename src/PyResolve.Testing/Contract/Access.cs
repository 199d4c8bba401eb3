using PyResolve.Client.Wire;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

/// <summary>What a route asks of its caller.</summary>
internal enum Need
{
    Nobody,

    /// <summary>A key with the route's scope, where it has one, or a session.</summary>
    Caller,

    Session,
}

/// <summary>Whoever asks: by a key, or by a session.</summary>
internal sealed record Caller(FakeAccount Account, FakeKey? Key, string? SessionToken)
{
    public bool Has(string scope) => Key is null || Key.Scopes.Contains(scope);
}

/// <summary>Finds and judges the caller.</summary>
internal static class Access
{
    private const string Bearer = "Bearer ";

    public static Caller Find(FakePyResolveServer server, FakeRequest request, Need need, string? scope)
    {
        var caller = Find(server, request);
        if (need is Need.Session && caller.Key is not null)
            throw new ProblemException(Problems.Forbidden(ProblemCodes.ScopeMissing, "This needs a session: log in, and send the session token instead of an API key."));
        if (scope is not null && !caller.Has(scope))
            throw new ProblemException(Problems.Forbidden(ProblemCodes.ScopeMissing, $"This API key lacks the scope '{scope}'. Make one that has it, or log in."));
        return caller;
    }

    private static Caller Find(FakePyResolveServer server, FakeRequest request)
    {
        var apiKey = request.Header("X-API-Key");
        var authorization = request.Header("Authorization");
        var bearer = authorization?.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) == true ? authorization[Bearer.Length..].Trim() : null;
        if (!string.IsNullOrEmpty(apiKey) && !string.IsNullOrEmpty(bearer))
            throw new ProblemException(Problems.Malformed("Send either X-API-Key or Authorization, not both."));
        var credential = string.IsNullOrEmpty(apiKey) ? bearer : apiKey;
        if (string.IsNullOrEmpty(credential))
            throw Refused($"API key required. Get one at {server.PublicUrl}");
        if (credential.StartsWith(FakeKey.Start, StringComparison.Ordinal))
            return FindByKey(server, credential);
        if (string.IsNullOrEmpty(apiKey) && credential.StartsWith(FakeSession.Start, StringComparison.Ordinal))
            return FindBySession(server, credential);
        throw Refused("Invalid API key format");
    }

    private static Caller FindByKey(FakePyResolveServer server, string secret)
    {
        var found = server.People.SelectMany(static account => account.Books.Keys, static (account, key) => (account, key))
            .FirstOrDefault(pair => pair.key.Secret == secret && pair.key.IsLive(server.Now));
        if (found.key is not { } key)
            throw Refused("Invalid or revoked API key");
        if (key.Take(server.Now) is { } wait)
        {
            throw new ProblemException(
                Problems.Create(429, ProblemCodes.RateLimited, $"This API key may make {key.RequestsPerMinute} requests a minute. Wait before the next one."), wait);
        }

        key.LastUsedAt = server.Now;
        return new(found.account, key, SessionToken: null);
    }

    private static Caller FindBySession(FakePyResolveServer server, string token)
    {
        var account = server.People.Find(account => account.Books.Sessions.Any(session => session.Token == token && session.ExpiresAt > server.Now));
        return account is null ? throw Refused("Invalid or expired session. Log in again.") : new(account, Key: null, token);
    }

    private static ProblemException Refused(string detail) => new(Problems.Unauthenticated(detail));
}
