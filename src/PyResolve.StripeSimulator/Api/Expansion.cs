using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api;

/// <summary><c>expand[]</c>: puts objects where their ids stand.</summary>
internal static class Expansion
{
    private const int DeepestPath = 4;

    public static void Apply(World world, JsonObject answer, Form form, string version)
    {
        foreach (var path in form.Texts("expand"))
        {
            var segments = path.Split('.');
            if (segments.Length > DeepestPath)
                throw StripeException.Invalid($"You cannot expand more than {DeepestPath} levels of a property. You tried to expand {path}.", "expand[]");
            if (!Expand(world, answer, segments, version))
                throw StripeException.Invalid($"This property cannot be expanded ({path}).", "expand[]");
        }
    }

    /// <summary>False where the path leads to nothing that can be expanded; an empty list or a null proves nothing.</summary>
    private static bool Expand(World world, JsonNode? node, ReadOnlySpan<string> path, string version)
    {
        if (node is JsonArray array)
        {
            foreach (var element in array)
            {
                if (!Expand(world, element, path, version))
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
            if (!value.TryGetValue<string>(out var id) || world.Find(id) is not { } found)
                return false;
            holder[path[0]] = member = VersionChanges.Apply(found.Render(), version);
        }

        return Expand(world, member, path[1..], version);
    }
}
