using System.Security.Cryptography;

namespace PyResolve.Testing.State;

internal sealed class FakeDeviceLogin(string? clientId, IReadOnlyList<string> scopes, DateTimeOffset startedAt)
{
    public const int FirstInterval = 5;
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(500);
    private TimeSpan _interval = TimeSpan.FromSeconds(FirstInterval);
    private DateTimeOffset? _polledAt;

    public string DeviceCode { get; } = Ids.Create().ToString("N");

    public string UserCode { get; } = RandomNumberGenerator.GetString("BCDFGHJKLMNPQRSTVWXZ", 8).Insert(4, "-");

    public string? ClientId => clientId;

    public IReadOnlyList<string> Scopes => scopes;

    public DateTimeOffset ExpiresAt => startedAt + Lifetime;

    public AccountState? ApprovedBy { get; set; }

    public bool IsDenied { get; set; }

    public bool IsRedeemed { get; set; }

    public bool IsPending(DateTimeOffset now) => ApprovedBy is null && !IsDenied && ExpiresAt > now;

    public bool IsPolledTooSoon(DateTimeOffset now)
    {
        var isTooSoon = _polledAt is { } last && now - last + Tolerance < _interval;
        if (isTooSoon)
            _interval += TimeSpan.FromSeconds(5);
        _polledAt = now;
        return isTooSoon;
    }
}
