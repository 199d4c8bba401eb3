namespace PyResolve.Server.Access;

/// <summary>A limit that several keys share: that of the key <c>KeyId</c>, which keys made by it count against as well.</summary>
internal sealed record SharedLimit(Guid KeyId, int RequestsPerMinute);

/// <summary>An account whose pages an operator sees, and changes nothing on.</summary>
internal sealed record ViewedAccount(Guid UserId, string Email, string? Name, DateTimeOffset Until);

/// <summary>The account that sent a request. A session has no key properties, and every scope.</summary>
internal sealed record Caller(Guid UserId, string Email, string? Name)
{
    public Guid? ApiKeyId { get; init; }

    /// <summary>The part of the key that may be shown.</summary>
    public string? ApiKeyPrefix { get; init; }

    public IReadOnlyList<string>? Scopes { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The limit of the key; null: none.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>The limit that this key shares with the limited key that made it, and with that key's others; null: none.</summary>
    public SharedLimit? SharedLimit { get; init; }

    /// <summary>The id of the session; null for a key, and for a token of another service, which cannot be revoked here.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>The account that an operator's session looks at; null: none.</summary>
    public ViewedAccount? Viewing { get; init; }

    /// <summary>Until when an operator looks at this account; null: it is the caller's own.</summary>
    public DateTimeOffset? ViewedUntil { get; init; }

    public bool IsSession => ApiKeyId is null;

    public bool Has(string scope) => Scopes is null || Scopes.Contains(scope);
}
