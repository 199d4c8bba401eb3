using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>Something that Stripe keeps under an id. Instants are Unix seconds, money is in the currency's minor unit.</summary>
internal abstract class StripeObject
{
    public required string Id { get; init; }

    public required long Created { get; init; }

    public bool IsDeleted { get; set; }

    /// <summary>The object's name, as in <c>"object": "customer"</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>What events about it begin with, as <c>customer.subscription</c>.</summary>
    public virtual string EventPrefix => Kind;

    /// <summary>As the newest API version shows it; <c>Api/VersionChanges</c> turns that into what older ones show.</summary>
    public abstract JsonObject Render();
}

/// <summary>Pieces of JSON that several objects share.</summary>
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
