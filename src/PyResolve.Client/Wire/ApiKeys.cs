namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /auth/api-keys</c>.</summary>
public sealed record CreateApiKeyRequest
{
    /// <summary>The key's name: 1 to 100 characters; default <c>Default</c>.</summary>
    public string? Name { get; init; }

    /// <summary>The scopes; default <see cref="Wire.Scopes.Default"/>. A key can create keys only within its own scopes.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>When the key expires, in the future; default never. A key can create keys only within its own expiry.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The key's rate limit: 1 to 1,000,000; default none, or that of the key that creates it, which it cannot exceed.</summary>
    public int? RequestsPerMinute { get; init; }
}

/// <summary>A key in a list: never the key itself.</summary>
/// <param name="Id">The key's id, for revocation and rotation.</param>
/// <param name="Name">The key's name.</param>
/// <param name="Prefix">The key's first 20 characters.</param>
/// <param name="Scopes">The key's scopes.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="LastUsedAt">The last use, to within about a minute; <see langword="null"/> before the first.</param>
/// <param name="ExpiresAt">When it expires; <see langword="null"/>: never.</param>
/// <param name="RevokedAt">When it was revoked; <see langword="null"/> if it was not.</param>
public sealed record ApiKeyInfo(
    Guid Id, string Name, string Prefix, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt,
    DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt);

/// <summary>The body of <c>GET /auth/api-keys</c>: one page of keys.</summary>
/// <param name="Data">Keys of the account, newest first. Those that were revoked more than 90 days ago are left out unless the request
/// has <c>state=all</c>; with <c>state=active</c> only keys that work are listed.</param>
public sealed record ApiKeyList(IReadOnlyList<ApiKeyInfo> Data)
{
    /// <summary>The cursor of the next page; <see langword="null"/> at the end, and from servers that know no pages.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>The answer to <c>POST /auth/api-keys</c>: the only time that this key is shown.</summary>
/// <param name="Id">The key's id, for revocation and rotation.</param>
/// <param name="Name">The key's name.</param>
/// <param name="Prefix">The key's first 20 characters.</param>
/// <param name="Scopes">The key's scopes.</param>
/// <param name="ExpiresAt">When it expires; <see langword="null"/>: never.</param>
/// <param name="ApiKey">The secret.</param>
public sealed record CreatedApiKey(
    Guid Id, string Name, string Prefix, IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt, string ApiKey)
{
    /// <summary>Only the prefix, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(CreatedApiKey)} {Prefix}…";
}

/// <summary>The body of <c>POST /auth/api-keys/{id}/rotate</c>.</summary>
public sealed record RotateApiKeyRequest
{
    /// <summary>For how long the old key still works, in seconds: 0 to 2592000 (30 days); default 0, which revokes it at once.</summary>
    public int? GraceSeconds { get; init; }
}

/// <summary>The answer to a rotation: the only time that the new key is shown.</summary>
/// <param name="Id">The new key's id.</param>
/// <param name="Name">The old key's name.</param>
/// <param name="Prefix">The new key's first 20 characters.</param>
/// <param name="Scopes">The old key's scopes.</param>
/// <param name="ExpiresAt">The old key's expiry, before the rotation.</param>
/// <param name="ApiKey">The secret.</param>
/// <param name="PreviousExpiresAt">When the old key stops working.</param>
public sealed record RotatedApiKey(
    Guid Id, string Name, string Prefix, IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt, string ApiKey,
    DateTimeOffset PreviousExpiresAt)
{
    /// <summary>Only the prefix, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(RotatedApiKey)} {Prefix}…";
}

/// <summary>The body of <c>POST /auth/api-keys/report-leak</c>.</summary>
public sealed record ReportLeakRequest
{
    /// <summary>The whole key that was leaked.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Only the type's name, so that a secret never reaches a log.</summary>
    public override string ToString() => nameof(ReportLeakRequest);
}

/// <summary>The scopes of keys: which routes a key may call.</summary>
public static class Scopes
{
    /// <summary><c>POST /usage</c>, <c>POST /usage/batch</c>.</summary>
    public const string UsageWrite = "usage:write";

    /// <summary><c>GET /usage</c> and the routes below it.</summary>
    public const string UsageRead = "usage:read";

    /// <summary><c>/quota/reservations</c>.</summary>
    public const string Quota = "quota";

    /// <summary><c>/billing</c>: checkout, portal, subscription.</summary>
    public const string Billing = "billing";

    /// <summary><c>POST /migrate</c>.</summary>
    public const string Migrate = "migrate";

    /// <summary>Creating, listing, rotating and revoking keys.</summary>
    public const string Keys = "keys";

    /// <summary>Every scope.</summary>
    public static IReadOnlyList<string> All { get; } = [UsageWrite, UsageRead, Quota, Billing, Migrate, Keys];

    /// <summary>The scopes of a key that is created without any: all but <see cref="Keys"/>.</summary>
    public static IReadOnlyList<string> Default { get; } = [UsageWrite, UsageRead, Quota, Billing, Migrate];

    /// <summary>The scopes of a device login that asks for none: without <see cref="Billing"/> and <see cref="Keys"/>.</summary>
    public static IReadOnlyList<string> DeviceDefault { get; } = [UsageWrite, UsageRead, Quota, Migrate];

    /// <summary>The scopes that a device login may ask for: all but <see cref="Keys"/>.</summary>
    public static IReadOnlyList<string> DeviceAllowed { get; } = [UsageWrite, UsageRead, Quota, Billing, Migrate];
}
