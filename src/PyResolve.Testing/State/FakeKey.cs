using System.Security.Cryptography;
using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

internal sealed class FakeKey(string name, IReadOnlyList<string> scopes, DateTimeOffset createdAt)
{
    public const string Start = "pyr_live_";
    public const string DefaultName = "Default";
    private const int PrefixLength = 20;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private DateTimeOffset _regainedAt;
    private TimeSpan _used;

    public Guid Id { get; } = Ids.Create();

    public string Secret { get; } = Start + Convert.ToHexString(RandomNumberGenerator.GetBytes(24)).ToLowerInvariant();

    public string Name => name;

    public string Prefix => Secret[..PrefixLength];

    public IReadOnlyList<string> Scopes => scopes;

    public DateTimeOffset? ExpiresAt { get; set; }

    public int? RequestsPerMinute { get; init; }

    /// <summary>The limited key that made this one: requests with either count against its limit.</summary>
    public FakeKey? LimitedBy { get; init; }

    public string? IdempotencyKey { get; init; }

    public DateTimeOffset? LastUsedAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }

    public bool IsReplaced { get; set; }

    public ApiKeyInfo Info => new(Id, Name, Prefix, Scopes, createdAt, LastUsedAt, ExpiresAt, RevokedAt);

    public bool IsLive(DateTimeOffset now) => RevokedAt is null && !(ExpiresAt <= now);

    /// <summary>A key may use its requests of a minute at once, and regains them evenly.</summary>
    /// <returns>The time to wait, if the request is over the key's limit.</returns>
    public TimeSpan? CountRequest(DateTimeOffset now)
    {
        if (RequestsPerMinute is not { } limit)
            return LimitedBy?.CountRequest(now);
        var cost = TimeSpan.FromTicks(Window.Ticks / limit);
        var used = _used - (now - _regainedAt);
        (_used, _regainedAt) = (used > TimeSpan.Zero ? used : TimeSpan.Zero, now);
        if (_used + cost > Window)
            return _used + cost - Window;
        _used += cost;
        return LimitedBy?.CountRequest(now);
    }
}
