using System.Text.Json;

namespace PyResolve.Server.Tests.Http;

/// <summary>A route that reads a body: one that it takes, and what each member of it may be.</summary>
/// <param name="Path">Its template.</param>
/// <param name="Valid">A body that is accepted.</param>
/// <param name="Texts">Members that are text.</param>
/// <param name="Numbers">Members that are whole numbers, with the largest that is taken.</param>
/// <param name="Metadata">Whether it takes <c>metadata</c>.</param>
/// <param name="Ids">Members that are UUIDs.</param>
/// <param name="Instants">Members that are instants.</param>
internal sealed record PostRoute(string Path, string Valid, string[] Texts, Dictionary<string, long> Numbers, bool Metadata, string[] Ids, string[] Instants)
{
    /// <summary>Every route that reads a body, by its path.</summary>
    public static IReadOnlyDictionary<string, PostRoute> All { get; } = new PostRoute[]
    {
        new("/auth/signup", """{"email":"ada@example.com","password":"correct horse","name":"Ada"}""", ["email", "password", "name"], [], false, [], []),
        new("/auth/login", """{"email":"ada@example.com","password":"correct horse"}""", ["email", "password"], [], false, [], []),
        new("/auth/api-keys", """{"name":"CI","scopes":["quota"],"expires_at":"2026-12-24T00:00:00Z","requests_per_minute":60}""",
            ["name"], new() { ["requests_per_minute"] = 1_000_000 }, false, [], ["expires_at"]),
        new("/quota/reservations", """{"quantity":1,"tier":"tier1","library":"pydantic","ttl_seconds":900,"machine":"m1","once_key":"k"}""",
            ["tier", "library", "machine", "once_key"], new() { ["quantity"] = 1_000, ["ttl_seconds"] = 604_800 }, false, [], []),
        new("/quota/reservations/{id}/commit", """{"quantity":1,"files_changed":3,"tokens_used":10,"library":"pydantic","metadata":{"a":[1,"x"]}}""",
            ["library"], new() { ["quantity"] = 1_000, ["files_changed"] = int.MaxValue, ["tokens_used"] = int.MaxValue }, true, ["id"], []),
        new("/usage", """{"event_type":"migration","library":"pydantic","tier":"tier1","files_changed":3,"tokens_used":10,"metadata":{"a":[1,"x"]},"occurred_at":"2026-11-15T11:00:00Z"}""",
            ["event_type", "library", "tier"], new() { ["files_changed"] = int.MaxValue, ["tokens_used"] = int.MaxValue }, true, ["id", "reservation_id"], ["occurred_at"]),
    }.ToDictionary(route => route.Path);

    /// <summary>The route's address, with a hold of the account's own where it needs one.</summary>
    public async Task<string> AddressAsync(TestAccount account) =>
        Path.Contains("{id}", StringComparison.Ordinal) ? Path.Replace("{id}", (await account.HoldAsync()).Id().ToString(), StringComparison.Ordinal) : Path;

    /// <summary>The valid body with one member set to <paramref name="json"/>, whatever that is.</summary>
    public string With(string member, string json)
    {
        var members = JsonDocument.Parse(Valid).RootElement.EnumerateObject().Where(other => other.Name != member)
            .Select(other => $"\"{other.Name}\":{other.Value.GetRawText()}");
        return $"{{{string.Join(',', members.Append($"\"{member}\":{json}"))}}}";
    }
}
