using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.State;

internal static class PreviousAttributes
{
    public static JsonObject Between(JsonObject before, JsonObject after)
    {
        var previous = new JsonObject();
        foreach (var (name, was) in before)
        {
            var now = after[name];
            if (JsonNode.DeepEquals(was, now))
                continue;
            previous[name] = was is JsonObject inner && now is JsonObject other ? Between(inner, other) : was?.DeepClone();
        }

        foreach (var (name, _) in after)
        {
            if (!before.ContainsKey(name))
                previous[name] = null;
        }

        return previous;
    }
}
