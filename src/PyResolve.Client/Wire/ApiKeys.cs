namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /auth/api-keys</c>.</summary>
public sealed record CreateApiKeyRequest
{
    /// <summary>1 to 100 characters; default <c>Default</c>.</summary>
    public string? Name { get; init; }

    /// <summary>Some of <see cref="Wire.Scopes.All"/>; default <see cref="Wire.Scopes.Default"/>. A key can make keys only within its own scopes.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>In the future; default never. A key can make keys only within its own expiry.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>1 to 1,000,000; default no limit, or that of the key which asks: a key can make keys only within its own limit.</summary>
    public int? RequestsPerMinute { get; init; }
}

/// <summary>A key in a list: never the key itself.</summary>
/// <param name="Id">What revocation and rotation name.</param>
/// <param name="Name">What the owner called it.</param>
/// <param name="Prefix">The key's first 20 characters.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="LastUsedAt">To within a minute or so; <see langword="null"/> before the first use.</param>
/// <param name="ExpiresAt"><see langword="null"/>: never.</param>
/// <param name="RevokedAt"><see langword="null"/> while it is alive.</param>
public sealed record ApiKeyInfo(
    Guid Id,
    string Name,
    string Prefix,
    IReadOnlyList<string> Scopes,
    DateTimeOffset CreatedAt,
    DateTimeOffset? LastUsedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt);

/// <summary>The body of <c>GET /auth/api-keys</c>.</summary>
/// <param name="Data">Every key of the account, newest first, the revoked ones too.</param>
public sealed record ApiKeyList(IReadOnlyList<ApiKeyInfo> Data);

/// <summary>The answer to <c>POST /auth/api-keys</c>: the only time that this key is shown.</summary>
/// <param name="Id">What revocation and rotation name.</param>
/// <param name="Name">What the owner called it.</param>
/// <param name="Prefix">The key's first 20 characters.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="ExpiresAt"><see langword="null"/>: never.</param>
/// <param name="ApiKey">The secret.</param>
public sealed record CreatedApiKey(
    Guid Id,
    string Name,
    string Prefix,
    IReadOnlyList<string> Scopes,
    DateTimeOffset? ExpiresAt,
    string ApiKey)
{
    /// <summary>The prefix alone, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(CreatedApiKey)} {Prefix}…";
}

/// <summary>The body of <c>POST /auth/api-keys/{id}/rotate</c>.</summary>
public sealed record RotateApiKeyRequest
{
    /// <summary>How long both keys work, in seconds, 0 to 2592000 (30 days); default 0: the old one is revoked at once.</summary>
    public int? GraceSeconds { get; init; }
}

/// <summary>The answer to a rotation: the only time that the new key is shown.</summary>
/// <param name="Id">The new key.</param>
/// <param name="Name">The old key's name.</param>
/// <param name="Prefix">The new key's first 20 characters.</param>
/// <param name="Scopes">The old key's scopes.</param>
/// <param name="ExpiresAt">The old key's expiry, before the rotation.</param>
/// <param name="ApiKey">The secret.</param>
/// <param name="PreviousExpiresAt">When the old key stops working.</param>
public sealed record RotatedApiKey(
    Guid Id,
    string Name,
    string Prefix,
    IReadOnlyList<string> Scopes,
    DateTimeOffset? ExpiresAt,
    string ApiKey,
    DateTimeOffset PreviousExpiresAt)
{
    /// <summary>The prefix alone, so that a secret never reaches a log.</summary>
    public override string ToString() => $"{nameof(RotatedApiKey)} {Prefix}…";
}

/// <summary>The body of <c>POST /auth/api-keys/report-leak</c>.</summary>
public sealed record ReportLeakRequest
{
    /// <summary>The whole key that was found in the open.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The type's name alone, so that a secret never reaches a log.</summary>
    public override string ToString() => nameof(ReportLeakRequest);
}

/// <summary>What a key may do.</summary>
public static class Scopes
{
    /// <summary><c>POST /usage</c>, <c>POST /usage/batch</c>.</summary>
    public const string UsageWrite = "usage:write";

    /// <summary><c>GET /usage</c> and below.</summary>
    public const string UsageRead = "usage:read";

    /// <summary>Reservations.</summary>
    public const string Quota = "quota";

    /// <summary>Checkout, portal, subscription.</summary>
    public const string Billing = "billing";

    /// <summary><c>POST /migrate</c>.</summary>
    public const string Migrate = "migrate";

    /// <summary>Making, listing and revoking keys.</summary>
    public const string Keys = "keys";

    /// <summary>Every scope.</summary>
    public static IReadOnlyList<string> All { get; } = [UsageWrite, UsageRead, Quota, Billing, Migrate, Keys];

    /// <summary>What a new key has unless told otherwise: all but <see cref="Keys"/>.</summary>
    public static IReadOnlyList<string> Default { get; } = [UsageWrite, UsageRead, Quota, Billing, Migrate];
}
