using System.Text.Json;
using Tomlyn;
using Tomlyn.Parsing;
using Tomlyn.Syntax;
using Table = Tomlyn.Model.TomlTable;

namespace PyResolve.Client.Tests.Toml;

/// <summary>Tomlyn, as a judge of what our own reader and editor do.</summary>
internal static class SecondTomlReader
{
    public static bool Accepts(string text) => !SyntaxParser.Parse(text, "config.toml", validate: true).HasErrors;

    public static Table Read(string text) => TomlSerializer.Deserialize<Table>(text)!;

    /// <summary>The comments of a text, in order.</summary>
    public static IEnumerable<string> Comments(string text) =>
        SyntaxParser.ParseStrict(text, "config.toml", validate: true)
            .Tokens(includeCommentsAndWhitespaces: true)
            .OfType<SyntaxToken>()
            .Where(static token => token.TokenKind == TokenKind.Comment)
            .Select(static token => token.Text!);

    /// <summary>
    /// Every value of a text by its path: <c>["table","key"]</c>, an index for an element of an array. Empty tables and arrays are values.
    /// </summary>
    public static Dictionary<string, string> Values(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        Add(Read(text), []);
        return values;

        void Add(object? value, string[] path)
        {
            switch (value)
            {
                case Table { Count: > 0 } table:
                    foreach (var (key, child) in table)
                        Add(child, [.. path, key]);
                    break;
                case not string and System.Collections.IEnumerable array when array.Cast<object>().Any():
                    foreach (var (i, element) in array.Cast<object>().Index())
                        Add(element, [.. path, $"[{i}]"]);
                    break;
                default:
                    values.Add(PathText(path), value is System.Collections.IEnumerable and not string ? "empty" : ValueText(value));
                    break;
            }
        }
    }

    /// <summary>The same of our own reader.</summary>
    public static Dictionary<string, TomlNode> OurValues(string text) => new TomlReader("config.toml", text).Read().Values()
        .ToDictionary(static value => PathText(value.Path), static value => value.Node);

    public static string PathText(params IEnumerable<string> path) => JsonSerializer.Serialize(path);

    public static string ValueText(object? value) => $"{value?.GetType().Name}: {value}";
}
