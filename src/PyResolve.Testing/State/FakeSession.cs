using System.Security.Cryptography;

namespace PyResolve.Testing.State;

internal sealed class FakeSession(DateTimeOffset expiresAt)
{
    public const string Start = "pyr_sess_";
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    public Guid Id { get; } = Ids.Create();

    public DateTimeOffset CreatedAt => expiresAt - Lifetime;

    public string Token { get; } = Start + Convert.ToHexString(RandomNumberGenerator.GetBytes(24)).ToLowerInvariant();

    public DateTimeOffset ExpiresAt => expiresAt;
}

internal sealed class EmailToken(DateTimeOffset expiresAt)
{
    public string Value { get; } = Ids.Create().ToString("N");

    public bool IsValid(string token, DateTimeOffset now) => token == Value && expiresAt > now;
}
