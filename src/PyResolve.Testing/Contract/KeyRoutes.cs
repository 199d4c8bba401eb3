using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class KeyRoutes
{
    private const int LongestName = 100;
    private const int LongestPage = 1_000;
    private static readonly TimeSpan RevokedAreRecentFor = TimeSpan.FromDays(90);
    private const int LongestGrace = 30 * 24 * 60 * 60;

    public static FakeAnswer List(Call call)
    {
        var rules = new FieldErrors();
        var state = call.Parameter("state");
        if (state is not (null or "active" or "all"))
            rules.Add("state", ProblemTexts.NotAKeyState);
        var limit = call.Number("limit", LongestPage, lowest: 1, LongestPage);
        var all = call.Account.Keys.AsEnumerable().Reverse().ToList();
        var start = 0;
        if (call.Parameter("cursor") is { } cursor)
        {
            start = Guid.TryParseExact(cursor, "N", out var last) ? all.FindIndex(key => key.Id == last) + 1 : 0;
            if (start == 0)
                rules.Add("cursor", ProblemTexts.KeyCursorUnknown);
        }

        rules.ThrowIfAny();
        var keys = all.Skip(start).Where(key => state switch
        {
            "all" => true,
            "active" => key.IsLive(call.Now),
            _ => !(key.RevokedAt <= call.Now - RevokedAreRecentFor),
        }).Select(static key => key.Info).ToList();
        var page = keys.Take(limit).ToList();
        return FakeAnswer.Json(
            new(page) { NextCursor = keys.Count > limit ? page[^1].Id.ToString("N") : null }, WireJson.Default.ApiKeyList);
    }

    public static FakeAnswer Create(Call call)
    {
        var body = call.Body<CreateApiKeyRequest>(whenEmpty: new());
        var callerKey = call.Caller.Key;
        var idempotencyKey = call.Request.Header("Idempotency-Key");
        if (idempotencyKey is not null && !VisibleAscii.IsIdempotencyKey(idempotencyKey))
            throw new ProblemException(Problems.Malformed("Idempotency-Key must be 1 to 255 visible ASCII characters, sent once."));
        string[] scopes = [.. (body.Scopes ?? Scopes.Default.Where(call.Caller.HasScope)).Distinct()];
        var expiresAt = body.ExpiresAt ?? callerKey?.ExpiresAt;
        var limit = body.RequestsPerMinute ?? callerKey?.RequestsPerMinute;
        var rules = new FieldErrors();
        rules.Label("name", body.Name, LongestName);
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

        if (idempotencyKey is not null && call.Account.Keys.Find(key => key.IdempotencyKey == idempotencyKey) is { } before)
            throw new ProblemException(Problems.Conflict(ProblemTexts.ApiKeyCreatedBefore(before.Prefix, before.Id)));
        var name = string.IsNullOrWhiteSpace(body.Name) ? FakeKey.DefaultName : body.Name.Trim();
        var key = new FakeKey(name, scopes, call.Now)
        {
            ExpiresAt = expiresAt,
            RequestsPerMinute = limit,
            LimitedBy = callerKey?.LimitedBy ?? (callerKey?.RequestsPerMinute is null ? null : callerKey),
            IdempotencyKey = idempotencyKey,
        };
        call.Account.Keys.Add(key);
        call.Audit("key.created", key.Prefix);
        return FakeAnswer.Json(
            new(key.Id, key.Name, key.Prefix, key.Scopes, key.ExpiresAt, key.Secret), WireJson.Default.CreatedApiKey, 201);
    }

    public static FakeAnswer Rotate(Call call)
    {
        var body = call.Body<RotateApiKeyRequest>(whenEmpty: new());
        var rules = new FieldErrors();
        rules.Range("grace_seconds", body.GraceSeconds, 0, LongestGrace);
        rules.ThrowIfAny();

        var old = Find(call);
        if (!old.IsLive(call.Now) || old.IsReplaced)
            throw new ProblemException(Problems.Conflict(ProblemTexts.KeyNotLive));
        if (IsBeyondCaller(call, old))
            throw ScopeMissing(ProblemTexts.RotationBeyondKey);

        var key = new FakeKey(old.Name, old.Scopes, call.Now)
        {
            ExpiresAt = old.ExpiresAt,
            RequestsPerMinute = old.RequestsPerMinute,
            LimitedBy = old.LimitedBy ?? (old.RequestsPerMinute is null ? null : old),
        };
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
        if (IsBeyondCaller(call, key))
            throw ScopeMissing(ProblemTexts.RevocationBeyondKey);
        if (key.RevokedAt is null)
        {
            key.RevokedAt = call.Now;
            call.Audit("key.revoked", key.Prefix);
        }

        return FakeAnswer.NoContent;
    }

    public static FakeAnswer ReportLeak(Call call)
    {
        var secret = call.Body<ReportLeakRequest>().ApiKey?.Trim();
        foreach (var account in call.Server.Accounts)
        {
            if (account.Keys.Find(key => key.Secret == secret && key.RevokedAt is null) is not { } key)
                continue;
            key.RevokedAt = call.Now;
            call.Audit("key.leak_reported", key.Prefix, account: account);
        }

        return FakeAnswer.Accepted;
    }

    private static bool IsBeyondCaller(Call call, FakeKey key) => call.Caller.Key is { } callerKey
        && (!key.Scopes.All(callerKey.Scopes.Contains) || (callerKey.ExpiresAt is { } end && !(key.ExpiresAt <= end))
            || !(callerKey.RequestsPerMinute is null || key.RequestsPerMinute <= callerKey.RequestsPerMinute));

    private static FakeKey Find(Call call) => call.Account.Keys.Find(key => key.Id == call.Id)
        ?? throw new ProblemException(Problems.NotFound(ProblemTexts.ApiKeyNotFound));

    private static ProblemException ScopeMissing(string detail) => new(Problems.Forbidden(ProblemCodes.ScopeMissing, detail));
}
