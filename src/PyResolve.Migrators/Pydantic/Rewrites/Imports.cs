using PyResolve.Migrators.Pydantic.Models;
using PyResolve.Migrators.Pydantic.Python;

namespace PyResolve.Migrators.Pydantic.Rewrites;

/// <summary>Updates the imports: adds names that the code now needs, and removes names that it no longer uses.</summary>
internal static class Imports
{
    private const int LineLength = 88;

    private static readonly string[] Outdated = ["Extra", "root_validator", "validator"];

    private static readonly string[] Settings = ["BaseSettings", "SettingsConfigDict"];

    public static void Apply(Rewriter rewriter, PydanticImport import, string rewritten)
    {
        var source = rewriter.Source;
        var code = Tokenizer.Read(rewritten);
        var used = code.Tokens.Where((t, i) => t.Kind == TokenKind.Name && !IsInImport(code, i)).Select(t => t.Text).ToHashSet();
        var names = import.Names.Except(Outdated.Where(n => !used.Contains(n)), StringComparer.Ordinal)
            .Union(rewriter.Wanted, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (names.ToHashSet().SetEquals(import.Names) && !names.Contains("BaseSettings"))
            return;

        var settings = names.Intersect(Settings, StringComparer.Ordinal).ToList();
        var statements = new[] { ("pydantic", names.Except(settings, StringComparer.Ordinal).ToList()), ("pydantic_settings", settings) }
            .Where(s => s.Item2.Count > 0)
            .Select(s => Statement(s.Item1, s.Item2, source.NewLine));
        rewriter.Replace(
            source.Tokens[import.Line.First].Start,
            source.Tokens[import.Line.End - 1].End,
            string.Join(source.NewLine, statements));
        if (settings.Contains("BaseSettings"))
            rewriter.Changed("BaseSettings");
    }

    private static bool IsInImport(PythonSource source, int token) =>
        source.Lines.Any(l => token >= l.First && token < l.End && source.IsAt(l.First, "from"));

    private static string Statement(string module, List<string> names, string newLine)
    {
        var line = $"from {module} import {string.Join(", ", names)}";
        return line.Length <= LineLength
            ? line
            : $"from {module} import ({newLine}{string.Concat(names.Select(n => $"    {n},{newLine}"))})";
    }
}
