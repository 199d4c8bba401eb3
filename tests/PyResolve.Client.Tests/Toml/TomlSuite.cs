using System.Reflection;
using System.Text;
using System.Text.Json;

namespace PyResolve.Client.Tests.Toml;

/// <summary>
/// The files of toml-lang's public test suite: those in the folder Suite, or those of a checkout of toml-lang/toml-test that the
/// environment variable <c>TOML_TEST</c> names.
/// </summary>
internal static class TomlSuite
{
    private static readonly string? Checkout = Environment.GetEnvironmentVariable("TOML_TEST");

    private static readonly string Folder = Checkout is { Length: > 0 }
        ? Path.Combine(Checkout, "tests")
        : typeof(TomlSuite).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "TomlSuite").Value!;

    /// <summary>Valid in TOML 1.0 or 1.1. What is valid in 1.0 is valid in 1.1.</summary>
    public static IReadOnlyList<string> Valid { get; } = [.. List("1.0.0", "valid/").Union(List("1.1.0", "valid/"))];

    public static IReadOnlyList<string> Invalid { get; } = [.. List("1.1.0", "invalid/")];

    public static string PathOf(string file) => Path.Combine(Folder, file);

    public static string Text(string file) => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(PathOf(file)));

    /// <summary>The values in a valid file by their paths, with an index for an element of an array: the text of a string, and null for
    /// everything else. Empty tables and arrays are values.</summary>
    public static Dictionary<string, string?> Values(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.ChangeExtension(PathOf(file), ".json")));
        return Values(json.RootElement, []).ToDictionary(value => SecondTomlReader.PathText(value.Path), value => value.Text);
    }

    private static List<(string[] Path, string? Text)> Values(JsonElement element, string[] path)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            return element.GetArrayLength() == 0
                ? [(path, null)]
                : element.EnumerateArray().SelectMany((child, i) => Values(child, [.. path, $"[{i}]"])).ToList();
        }

        var members = element.EnumerateObject().ToList();
        if (members.Count == 0)
            return [(path, null)];
        if (members.Count == 2 && element.TryGetProperty("value", out var value) && value.ValueKind == JsonValueKind.String)
            return [(path, element.GetProperty("type").GetString() == "string" ? value.GetString() : null)];
        return members.SelectMany(member => Values(member.Value, [.. path, member.Name])).ToList();
    }

    private static IEnumerable<string> List(string version, string folder) => File.ReadLines(PathOf($"files-toml-{version}"))
        .Where(file => file.EndsWith(".toml", StringComparison.Ordinal) && file.StartsWith(folder, StringComparison.Ordinal));
}
