namespace PyResolve.Server.Access;

/// <summary>Who makes a request: an account, through a key or a session.</summary>
internal sealed record Caller(Guid UserId, string Email, string? Name)
{
    /// <summary>The key that was sent; <see langword="null"/> for a session.</summary>
    public Guid? ApiKeyId { get; init; }

    /// <summary>What of the key may be shown; <see langword="null"/> for a session.</summary>
    public string? ApiKeyPrefix { get; init; }

    /// <summary>What the key may do; <see langword="null"/> for a session, which may do everything of its account.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>When the key ends, if it does.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How often the key may be used; <see langword="null"/>: without a limit.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>The session that was sent; <see langword="null"/> for a key, and for the token of another service, which cannot be ended here.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>A login, here or at a trusted service.</summary>
    public bool IsSession => ApiKeyId is null;

    public bool Has(string scope) => Scopes is null || Scopes.Contains(scope);
}
