namespace PyResolve.Server.Access;

/// <summary>The account that sent a request, through a key or a session.</summary>
internal sealed record Caller(Guid UserId, string Email, string? Name)
{
    /// <summary><see langword="null"/> for a session.</summary>
    public Guid? ApiKeyId { get; init; }

    /// <summary>The part of the key that may be shown; <see langword="null"/> for a session.</summary>
    public string? ApiKeyPrefix { get; init; }

    /// <summary><see langword="null"/> for a session, which has every scope.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary><see langword="null"/>: no limit.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary><see langword="null"/> for a key, and for a token of another service, which cannot be revoked here.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>Whether the caller logged in, here or at a trusted service.</summary>
    public bool IsSession => ApiKeyId is null;

    public bool Has(string scope) => Scopes is null || Scopes.Contains(scope);
}
