using System.Text.Json;

namespace Tour;

/// <summary>What the tour's server sells, from <c>catalogue.json</c>.</summary>
internal static class Catalogue
{
    public const string Product = "Shipshape";
    public const string Free = "hobby";
    public const string Paid = "crew";

    /// <summary>The file as environment variables, as a container has it: <c>PyResolve__Plans__hobby__Order=1</c>.</summary>
    public static IEnumerable<(string Name, string Value)> ReadSettings()
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "catalogue.json")));
        return [.. file.RootElement.EnumerateObject().SelectMany(static member => Flatten(member.Name, member.Value))];
    }

    private static IEnumerable<(string Name, string Value)> Flatten(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject().SelectMany(member => Flatten($"{name}__{member.Name}", member.Value))
            : [(name, value.ToString())];
}
