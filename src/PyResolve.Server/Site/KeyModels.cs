using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Pages;
using PyResolve.Server.Statistics;

namespace PyResolve.Server.Site;

/// <summary>
/// What a person chose for a new key. <c>Once</c> is the idempotency key of the form, so that a form sent twice makes one key.
/// </summary>
internal sealed record KeyForm(Guid Once, string? Name, string? Days, IReadOnlyList<string> Scopes, string? RequestsPerMinute)
{
    public const string ScopePrefix = "scope-";

    public static readonly IReadOnlyList<int> LifetimeDays = [7, 30, 90, 365];

    public static string Describe(string scope) => scope switch
    {
        Client.Wire.Scopes.UsageWrite => "Report usage",
        Client.Wire.Scopes.UsageRead => "See usage",
        Client.Wire.Scopes.Quota => "Use the migrations of the plan",
        Client.Wire.Scopes.Billing => "Change the subscription",
        Client.Wire.Scopes.Migrate => "Run migrations on this server",
        Client.Wire.Scopes.Keys => "Create, replace and revoke API keys",
        _ => scope,
    };
}

/// <summary>A page of keys. <c>Recent</c>: those that had migrations in the last thirty days.</summary>
internal sealed record KeyTable(
    ApiKeyList Keys,
    IReadOnlyDictionary<Guid, RecentDays> Recent,
    KeyListQuery Query,
    bool IsFirstPage,
    DateTimeOffset Now,
    KeyForm Form,
    ProblemResult? Problem)
{
    public static readonly IReadOnlyList<(KeyListing Listing, string State, string Text)> Listings =
    [
        (KeyListing.Recent, "", "All but those revoked long ago"),
        (KeyListing.Active, "active", "Active"),
        (KeyListing.Expired, "expired", "Expired"),
        (KeyListing.Revoked, "revoked", "Revoked"),
        (KeyListing.All, "all", "All"),
    ];

    public bool IsFiltered => Query.Search is not null || Query.Listing is not KeyListing.Recent;

    public PageLinks Links =>
        new("keys", IsFirstPage ? null : LinkTo(cursor: null), Keys.NextCursor is { } next ? LinkTo(next) : null);

    /// <summary>A path from the root.</summary>
    private string LinkTo(string? cursor) => UsageText.Link(
        "app/keys",
        ("state", Listings.First(one => one.Listing == Query.Listing).State is { Length: > 0 } state ? state : null),
        ("q", Query.Search),
        ("cursor", cursor));
}

internal sealed record KeyDetails(
    ApiKeyInfo Key, KeyTerms Terms, RecentDays? Recent, DateTimeOffset Now, IReadOnlyList<int> GraceSeconds, ProblemResult? Problem)
{
    public string MadeBy => Terms.MadeBy switch
    {
        null => "Not known",
        NewApiKey.BySignUp => "The sign-up",
        NewApiKey.ByDeviceLogin => "A device login",
        "session" => "A person who had signed in",
        "operator" => "Who runs this server",
        var actor => $"The {actor}…",
    };

    public string Limit => (Terms.RequestsPerMinute, Terms.SharedRequestsPerMinute) switch
    {
        (null, null) => "None",
        ({ } own, null) => $"{UsageText.Count(own, "request")} a minute",
        (null, { } shared) => $"{UsageText.Count(shared, "request")} a minute, shared with other keys",
        ({ } own, { } shared) =>
            $"{UsageText.Count(own, "request")} a minute, and {UsageText.Number(shared)} shared with other keys",
    };

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

/// <summary>A new key. <c>PreviousEndsAt</c>: of the key that was replaced; null: none was.</summary>
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
