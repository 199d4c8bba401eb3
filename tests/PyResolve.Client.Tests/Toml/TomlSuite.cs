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

    /// <summary>Invalid in TOML 1.0, valid in 1.1. A checkout has a list of files for each version, and needs no list here.</summary>
    private static readonly HashSet<string> ValidInNewerVersion =
    [
        "invalid/datetime/no-secs.toml",
        "invalid/inline-table/linebreak-1.toml",
        "invalid/inline-table/linebreak-2.toml",
        "invalid/inline-table/linebreak-3.toml",
        "invalid/inline-table/linebreak-4.toml",
        "invalid/inline-table/trailing-comma.toml",
        "invalid/string/basic-byte-escapes.toml",
    ];

    public static IReadOnlyList<string> Valid { get; } =
        [.. List("1.0.0").Union(List("1.1.0")).Where(static file => file.StartsWith("valid/", StringComparison.Ordinal))];

    public static IReadOnlyList<string> Invalid { get; } =
        [.. List("1.1.0").Where(static file => file.StartsWith("invalid/", StringComparison.Ordinal)).Except(ValidInNewerVersion)];

    public static string PathOf(string file) => Path.Combine(Folder, file);

    public static string Text(string file) => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(PathOf(file)));

    /// <summary>The strings in a valid file, by the names of their tables and keys. Elements of arrays are left out.</summary>
    public static IEnumerable<(string[] Path, string Value)> Strings(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.ChangeExtension(PathOf(file), ".json")));
        return [.. Strings(json.RootElement, [])];
    }

    private static IEnumerable<(string[] Path, string Value)> Strings(JsonElement element, string[] path)
    {
        if (element.ValueKind != JsonValueKind.Object)
            return [];
        if (element.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String)
            return type.GetString() == "string" ? [(path, element.GetProperty("value").GetString()!)] : [];
        return element.EnumerateObject().SelectMany(member => Strings(member.Value, [.. path, member.Name]));
    }

    private static IEnumerable<string> List(string version) => Checkout is { Length: > 0 }
        ? File.ReadLines(PathOf($"files-toml-{version}")).Where(static file => file.EndsWith(".toml", StringComparison.Ordinal))
        : Directory.EnumerateFiles(Folder, "*.toml", SearchOption.AllDirectories)
            .Select(static file => Path.GetRelativePath(Folder, file).Replace('\\', '/'));
}
