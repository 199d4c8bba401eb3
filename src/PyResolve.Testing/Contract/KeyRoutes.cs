using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class KeyRoutes
{
    private const int LongestName = 100;
    private const int LongestGrace = 30 * 24 * 60 * 60;

    public static FakeAnswer List(Call call) =>
        FakeAnswer.Json(new([.. call.Account.Keys.AsEnumerable().Reverse().Select(static key => key.Info)]), WireJson.Default.ApiKeyList);

    public static FakeAnswer Create(Call call)
    {
        var body = call.Body(WireJson.Default.CreateApiKeyRequest, whenEmpty: new());
        var callerKey = call.Caller.Key;
        string[] scopes = [.. (body.Scopes ?? Scopes.Default.Where(call.Caller.HasScope)).Distinct()];
        var expiresAt = body.ExpiresAt ?? callerKey?.ExpiresAt;
        var limit = body.RequestsPerMinute ?? callerKey?.RequestsPerMinute;
        var rules = new FieldErrors();
        rules.Text("name", body.Name, LongestName);
        rules.Range("requests_per_minute", body.RequestsPerMinute, 1, 1_000_000);
        if (scopes.Except(Scopes.All).Any())
            rules.Add("scopes", $"must be some of {string.Join(", ", Scopes.All)}.");
        if (scopes.Length == 0)
            rules.Add("scopes", ProblemTexts.NoScope);
        if (expiresAt <= call.Now)
            rules.Add("expires_at", ProblemTexts.NotInFuture);
        rules.ThrowIfAny();

        if (scopes.Where(scope => !call.Caller.HasScope(scope)).ToList() is { Count: > 0 } missing)
            throw ScopeMissing($"A key can make keys only within its own scopes; this one lacks {string.Join(", ", missing)}.");
        if (expiresAt > callerKey?.ExpiresAt)
            throw ScopeMissing(ProblemTexts.KeyBeyondExpiry);
        if (limit > callerKey?.RequestsPerMinute)
            throw ScopeMissing(
                $"A key can make keys only within its own limit: requests_per_minute may be at most {callerKey.RequestsPerMinute}.");

        var name = string.IsNullOrWhiteSpace(body.Name) ? FakeKey.DefaultName : body.Name.Trim();
        var key = new FakeKey(name, scopes, call.Now) { ExpiresAt = expiresAt, RequestsPerMinute = limit };
        call.Account.Keys.Add(key);
        call.Audit("key.created", key.Prefix);
        return FakeAnswer.Json(
            new(key.Id, key.Name, key.Prefix, key.Scopes, key.ExpiresAt, key.Secret), WireJson.Default.CreatedApiKey, 201);
    }

    public static FakeAnswer Rotate(Call call)
    {
        var body = call.Body(WireJson.Default.RotateApiKeyRequest, whenEmpty: new());
        var rules = new FieldErrors();
        rules.Range("grace_seconds", body.GraceSeconds, 0, LongestGrace);
        rules.ThrowIfAny();

        var old = Find(call);
        if (!old.IsLive(call.Now) || old.IsReplaced)
            throw new ProblemException(Problems.Conflict(ProblemTexts.KeyNotLive));
        if (call.Caller.Key is { } callerKey
            && (!old.Scopes.All(callerKey.Scopes.Contains) || (callerKey.ExpiresAt is { } end && !(old.ExpiresAt <= end))
                || !(callerKey.RequestsPerMinute is null || old.RequestsPerMinute <= callerKey.RequestsPerMinute)))
        {
            throw ScopeMissing(ProblemTexts.RotationBeyondKey);
        }

        var key = new FakeKey(old.Name, old.Scopes, call.Now) { ExpiresAt = old.ExpiresAt, RequestsPerMinute = old.RequestsPerMinute };
        call.Account.Keys.Add(key);
        var lastInstant = call.Now.AddSeconds(body.GraceSeconds ?? 0);
        if (old.ExpiresAt < lastInstant)
            lastInstant = old.ExpiresAt.Value;
        (old.IsReplaced, old.ExpiresAt, old.RevokedAt) = (true, lastInstant, body.GraceSeconds is > 0 ? null : call.Now);
        call.Audit("key.rotated", $"{old.Prefix} to {key.Prefix}");
        return FakeAnswer.Json(
            new(key.Id, key.Name, key.Prefix, key.Scopes, key.ExpiresAt, key.Secret, lastInstant), WireJson.Default.RotatedApiKey, 201);
    }

    public static FakeAnswer Revoke(Call call)
    {
        var key = Find(call);
        if (key.RevokedAt is null)
        {
            key.RevokedAt = call.Now;
            call.Audit("key.revoked", key.Prefix);
        }

        return FakeAnswer.NoContent;
    }

    public static FakeAnswer ReportLeak(Call call)
    {
        var secret = call.Body(WireJson.Default.ReportLeakRequest).ApiKey?.Trim();
        foreach (var account in call.Server.Accounts)
        {
            if (account.Keys.Find(key => key.Secret == secret && key.RevokedAt is null) is not { } key)
                continue;
            key.RevokedAt = call.Now;
            call.Audit("key.leak_reported", key.Prefix, account: account);
        }

        return FakeAnswer.Accepted;
    }

    private static FakeKey Find(Call call) => call.Account.Keys.Find(key => key.Id == call.Id)
        ?? throw new ProblemException(Problems.NotFound(ProblemTexts.ApiKeyNotFound));

    private static ProblemException ScopeMissing(string detail) => new(Problems.Forbidden(ProblemCodes.ScopeMissing, detail));
}
