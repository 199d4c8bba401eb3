using System.Text.Json;

namespace PyResolve.Server.Tests.Http;

/// <summary>A route that reads a body, with a valid body and the types of its members.</summary>
/// <param name="Path">Its template.</param>
/// <param name="Valid">A body that is accepted.</param>
/// <param name="Texts">Members that are text.</param>
/// <param name="Numbers">Members that are whole numbers, with the largest that is accepted.</param>
/// <param name="Metadata">Whether it accepts <c>metadata</c>.</param>
/// <param name="Ids">Members that are UUIDs.</param>
/// <param name="Instants">Members that are instants.</param>
internal sealed record BodyRoute(
    string Path, string Valid, string[] Texts, Dictionary<string, long> Numbers, bool Metadata, string[] Ids, string[] Instants)
{
    public HttpMethod Method { get; init; } = HttpMethod.Post;

    /// <summary>Whether <see cref="Valid"/> is accepted; otherwise it is well-formed, but has a wrong secret.</summary>
    public bool IsAccepted { get; init; } = true;

    /// <summary>Whether it also accepts a form, as in RFC 8628.</summary>
    public bool TakesForms { get; init; }

    /// <summary>Every route that reads a body, by its path.</summary>
    public static IReadOnlyDictionary<string, BodyRoute> All { get; } = new BodyRoute[]
    {
        new(
            "/auth/signup",
            """{"email":"ada@example.com","password":"correct horse","name":"Ada"}""",
            ["email", "password", "name"],
            [],
            false,
            [],
            []),
        new("/auth/login", """{"email":"ada@example.com","password":"correct horse"}""", ["email", "password", "code"], [], false, [], []),
        new("/auth/api-keys", """{"name":"CI","scopes":["quota"],"expires_at":"2026-12-24T00:00:00Z","requests_per_minute":60}""",
            ["name"], new() { ["requests_per_minute"] = 1_000_000 }, false, [], ["expires_at"]),
        new("/auth/api-keys/{id}/rotate", """{"grace_seconds":60}""", [], new() { ["grace_seconds"] = 2_592_000 }, false, [], []),
        new(
            "/auth/api-keys/report-leak",
            """{"api_key":"pyr_live_000000000000000000000000000000000000000000000000"}""",
            [],
            [],
            false,
            [],
            []),
        new("/auth/device/code", """{"client_id":"pyresolve-cli"}""", ["client_id"], [], false, [], []) { TakesForms = true },
        new("/auth/device/token", """{"device_code":"unknown"}""", [], [], false, [], []) { IsAccepted = false, TakesForms = true },
        new(
            "/auth/password",
            """{"current_password":"a wrong password","new_password":"correct horse 2"}""",
            ["current_password", "new_password"],
            [],
            false,
            [],
            [])
            { IsAccepted = false },
        new("/auth/password/forgot", """{"email":"nobody@example.com"}""", ["email"], [], false, [], []),
        new("/auth/password/reset", """{"token":"unknown","password":"correct horse 3"}""", ["token", "password"], [], false, [], [])
        {
            IsAccepted = false,
        },
        new("/auth/email/verify", """{"token":"unknown"}""", ["token"], [], false, [], []) { IsAccepted = false },
        new("/auth/email", """{"email":"new@example.com","password":"a wrong password"}""", ["email", "password"], [], false, [], [])
        {
            IsAccepted = false,
        },
        new("/auth/totp/confirm", """{"code":"123456"}""", ["code"], [], false, [], []) { IsAccepted = false },
        new("/auth/totp", """{"code":"123456"}""", ["code"], [], false, [], []) { Method = HttpMethod.Delete, IsAccepted = false },
        new("/auth/account", """{"password":"a wrong password"}""", [], [], false, [], [])
        {
            Method = HttpMethod.Delete,
            IsAccepted = false,
        },
        new("/billing/checkout", """{"plan":"enterprise"}""", ["plan"], [], false, [], []) { IsAccepted = false },
        new("/billing/overage", """{"cap":0}""", [], new() { ["cap"] = 1_000_000 }, false, [], []),
        new("/me", """{"name":"Ada"}""", ["name"], [], false, [], []) { Method = HttpMethod.Patch },
        new("/quota/reservations", """{"quantity":1,"tier":"tier1","library":"pydantic","ttl_seconds":900,"machine":"m1","once_key":"k"}""",
            ["tier", "library", "machine", "once_key"], new() { ["quantity"] = 1_000, ["ttl_seconds"] = 604_800 }, false, [], []),
        new("/quota/reservations/{id}", """{"ttl_seconds":900}""", [], new() { ["ttl_seconds"] = 604_800 }, false, [], [])
            { Method = HttpMethod.Patch },
        new(
            "/quota/reservations/{id}/commit",
            """{"quantity":1,"files_changed":3,"tokens_used":10,"library":"pydantic","metadata":{"a":[1,"x"]}}""",
            ["library"],
            new() { ["quantity"] = 1_000, ["files_changed"] = int.MaxValue, ["tokens_used"] = int.MaxValue },
            true,
            ["id"],
            []),
        new("/migrate", """{"library":"pydantic","target":"2.0","tier":"tier1","files":{"a.py":"a = 1"}}""",
            ["library", "target", "tier"], [], false, [], [])
        {
            IsAccepted = false,
        },
        new(
            "/usage",
            """{"event_type":"migration","library":"pydantic","tier":"tier1","files_changed":3,"tokens_used":10,"metadata":{"a":[1,"x"]},"occurred_at":"2026-11-15T11:00:00Z"}""",
            ["event_type", "library", "tier"],
            new() { ["files_changed"] = int.MaxValue, ["tokens_used"] = int.MaxValue },
            true,
            ["id", "reservation_id"],
            ["occurred_at"]),
        new(
            "/usage/batch",
            """{"events":[{"event_type":"migration","library":"pydantic","tokens_used":10,"metadata":{"a":[1,"x"]}},{"event_type":"scan","tier":"tier1"}]}""",
            [], [], false, [], []),
    }.ToDictionary(route => route.Path);

    /// <summary>The route's address; if it has an id, that of a new reservation or key of the account.</summary>
    public async Task<string> AddressAsync(TestAccount account)
    {
        if (!Path.Contains("{id}", StringComparison.Ordinal))
            return Path;
        var target = Path.StartsWith("/quota", StringComparison.Ordinal)
            ? await account.ReserveAsync()
            : await account.Session.PostAsync("/auth/api-keys");
        return Path.Replace("{id}", target.Id().ToString(), StringComparison.Ordinal);
    }

    /// <summary>The valid body with one member set to <paramref name="json"/>, valid or not.</summary>
    public string With(string member, string json)
    {
        var members = JsonDocument.Parse(Valid).RootElement.EnumerateObject().Where(other => other.Name != member)
            .Select(other => $"\"{other.Name}\":{other.Value.GetRawText()}");
        return $"{{{string.Join(',', members.Append($"\"{member}\":{json}"))}}}";
    }
}
