using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Site;

/// <summary><c>Once</c> is the idempotency key of the form, so that a form sent twice makes one key.</summary>
internal sealed record KeyTable(
    ApiKeyList Keys,
    KeyListing Listing,
    DateTimeOffset Now,
    Guid Once,
    string? Name,
    IReadOnlyList<int> LifetimeDays,
    ProblemResult? Problem);

internal sealed record KeyDetails(ApiKeyInfo Key, DateTimeOffset Now, IReadOnlyList<int> GraceSeconds, ProblemResult? Problem)
{
    public bool IsLive => KeyStates.Of(Key, Now) is "Active";

    public static string NameOfGrace(int seconds) => seconds switch
    {
        0 => "No time: it stops at once",
        60 => "A minute",
        < 3_600 => $"{seconds / 60} minutes",
        3_600 => "An hour",
        _ => $"{seconds / 3_600} hours",
    };
}

/// <summary><c>PreviousEndsAt</c>: of the key that was replaced; null: a key without one before it.</summary>
internal sealed record KeyMade(string Name, Secret Secret, DateTimeOffset? PreviousEndsAt);

internal static class KeyStates
{
    public static string Of(ApiKeyInfo key, DateTimeOffset now) => key switch
    {
        { RevokedAt: not null } => "Revoked",
        { ExpiresAt: { } end } when end <= now => "Expired",
        _ => "Active",
    };
}
