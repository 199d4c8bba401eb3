using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>An object of Stripe's API. Instants are Unix seconds, money is in the currency's minor unit.</summary>
internal abstract class StripeObject
{
    public required string Id { get; init; }

    public required long Created { get; init; }

    public bool IsDeleted { get; set; }

    public abstract string Kind { get; } // As in "object": "customer".

    public virtual string EventPrefix => Kind; // The first part of its event types: customer.subscription.

    /// <summary>In the newest API version's shape; <see cref="ApiVersions"/> converts it to older ones.</summary>
    public abstract JsonObject Render();
}

internal static class Shapes
{
    public static JsonObject Map(IEnumerable<KeyValuePair<string, string>> values)
    {
        var map = new JsonObject();
        foreach (var (name, value) in values)
            map[name] = value;
        return map;
    }

    public static JsonArray Array(IEnumerable<string> values) => new([.. values.Select(static value => (JsonNode?)value)]);

    public static JsonObject List(string url, IEnumerable<JsonObject> data, bool hasMore = false) => new()
    {
        ["object"] = "list",
        ["url"] = url,
        ["has_more"] = hasMore,
        ["data"] = new JsonArray([.. data]),
    };

    public static JsonObject Deleted(string id, string kind) => new() { ["id"] = id, ["object"] = kind, ["deleted"] = true };
}
