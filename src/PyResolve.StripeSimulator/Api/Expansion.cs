using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api;

/// <summary><c>expand[]</c>: replaces ids by the objects.</summary>
internal static class Expansion
{
    private const int DeepestPath = 4;

    public static void Apply(StripeState state, JsonObject answer, Form form, string version)
    {
        foreach (var path in form.Texts("expand"))
        {
            var segments = path.Split('.');
            if (segments.Length > DeepestPath)
                throw ApiErrorException.Invalid(
                    $"You cannot expand more than {DeepestPath} levels of a property. You tried to expand {path}.", "expand[]");
            if (!Expand(state, answer, segments, version))
                throw ApiErrorException.Invalid($"This property cannot be expanded ({path}).", "expand[]");
        }
    }

    /// <summary>False where the path is not expandable. An empty list or a null matches every path.</summary>
    private static bool Expand(StripeState state, JsonNode? node, ReadOnlySpan<string> path, string version)
    {
        if (node is JsonArray array)
        {
            foreach (var element in array)
            {
                if (!Expand(state, element, path, version))
                    return false;
            }

            return true;
        }

        if (node is not JsonObject holder)
            return node is null;
        if (path.Length == 0)
            return true;
        if (!holder.TryGetPropertyValue(path[0], out var member))
            return false;
        if (member is JsonValue value)
        {
            if (!value.TryGetValue<string>(out var id) || state.Find(id) is not { } found)
                return false;
            holder[path[0]] = member = ApiVersions.Apply(found.Render(), version);
        }

        return Expand(state, member, path[1..], version);
    }
}
