using PyResolve.Migrators.Pydantic.Models;
using PyResolve.Migrators.Pydantic.Python;

namespace PyResolve.Migrators.Pydantic.Rewrites;

/// <summary>
/// Rewrites a model's <c>class Config:</c> to <c>model_config = ConfigDict(…)</c>. Options get their new names, and comments stay in place.
/// </summary>
internal static class ConfigClasses
{
    private static readonly Dictionary<string, string> Renamed = new(StringComparer.Ordinal)
    {
        ["allow_population_by_field_name"] = "populate_by_name",
        ["anystr_lower"] = "str_to_lower",
        ["anystr_strip_whitespace"] = "str_strip_whitespace",
        ["anystr_upper"] = "str_to_upper",
        ["keep_untouched"] = "ignored_types",
        ["max_anystr_length"] = "str_max_length",
        ["min_anystr_length"] = "str_min_length",
        ["orm_mode"] = "from_attributes",
        ["schema_extra"] = "json_schema_extra",
        ["validate_all"] = "validate_default",
    };

    private static readonly HashSet<string> Kept = new(StringComparer.Ordinal)
    {
        "alias_generator", "arbitrary_types_allowed", "case_sensitive", "env_file", "env_file_encoding", "env_nested_delimiter",
        "env_prefix", "extra", "frozen", "json_encoders", "secrets_dir", "title", "use_enum_values", "validate_assignment",
    };

    public static void Apply(Rewriter rewriter, ModelIndex index)
    {
        var source = rewriter.Source;
        for (var i = 0; i < source.Lines.Count; i++)
        {
            var line = source.Lines[i];
            if (!source.IsAt(line.First, "class") || !source.IsName(line.First + 1) || !index.IsModel(source.Tokens[line.First + 1].Text))
                continue;
            var isSettings = index.IsSettings(source.Tokens[line.First + 1].Text);
            for (var inner = i + 1; inner < source.BodyEnd(i); inner++)
            {
                if (source.IsAt(source.Lines[inner].First, "class") && source.IsAt(source.Lines[inner].First + 1, "Config"))
                    Rewrite(rewriter, inner, isSettings ? "SettingsConfigDict" : "ConfigDict");
            }
        }
    }

    private sealed record Option(LogicalLine Line, string Name, string? NewValue);

    private static void Rewrite(Rewriter rewriter, int header, string dictionary)
    {
        var source = rewriter.Source;
        var options = new List<Option>();
        var reason = source.Lines[header].End - source.Lines[header].First == 3
            ? null
            : "class Config: it has a base class, or stands on one line";
        for (var i = header + 1; i < source.BodyEnd(header) && reason is null; i++)
            reason = ReadOption(source, source.Lines[i], options);
        if (reason is not null)
        {
            rewriter.Leave(source.Tokens[source.Lines[header].First], reason);
            return;
        }

        var start = source.Tokens[source.Lines[header].First].Start;
        var end = source.Tokens[options[^1].Line.End - 1].End;
        var value = source.Slice(options[0].Line.First + 2, options[0].Line.End);
        if (options.Count == 1 && !source.HasComment(start, end) && !value.Contains('\n', StringComparison.Ordinal))
        {
            RewriteOption(rewriter, options[0], start, $"model_config = {dictionary}(", ")");
        }
        else
        {
            rewriter.Replace(start, source.Tokens[source.Lines[header].End - 1].End, $"model_config = {dictionary}(");
            foreach (var option in options)
                RewriteOption(rewriter, option, source.Tokens[option.Line.First].Start, "", ",");
            rewriter.Insert(LineEnd(source.Text, end), source.NewLine + source.Indentation(start) + ")");
        }
        rewriter.Wanted.Add(dictionary);
        rewriter.Changed("class Config");
    }

    /// <summary>Replaces only the text around the value, so that other rewrites can change the value.</summary>
    private static void RewriteOption(Rewriter rewriter, Option option, int start, string before, string after)
    {
        var source = rewriter.Source;
        var (valueStart, valueEnd) = (source.Tokens[option.Line.First + 2].Start, source.Tokens[option.Line.End - 1].End);
        if (option.NewValue is { } value)
            rewriter.Replace(start, valueEnd, $"{before}{option.Name}={value}{after}");
        else
        {
            rewriter.Replace(start, valueStart, $"{before}{option.Name}=");
            rewriter.Insert(valueEnd, after);
        }
    }

    private static int LineEnd(string text, int offset)
    {
        var end = text.IndexOf('\n', offset);
        if (end < 0)
            return text.Length;
        return text[end - 1] == '\r' ? end - 1 : end;
    }

    private static string? ReadOption(PythonSource source, LogicalLine line, List<Option> options)
    {
        if (!source.IsName(line.First) || !source.IsAt(line.First + 1, "=") || line.End < line.First + 3)
            return "class Config: it holds more than plain options";
        var name = source.Tokens[line.First].Text;
        var value = source.Slice(line.First + 2, line.End);
        if (name == "allow_mutation" && value is ("True" or "False"))
            options.Add(new Option(line, "frozen", value == "False" ? "True" : "False"));
        else if (name == "extra" && source.IsAt(line.First + 2, "Extra") && line.End == line.First + 5)
            options.Add(new Option(line, name, $"\"{source.Tokens[line.First + 4].Text}\""));
        else if (Renamed.TryGetValue(name, out var renamed))
            options.Add(new Option(line, renamed, NewValue: null));
        else if (Kept.Contains(name))
            options.Add(new Option(line, name, NewValue: null));
        else
            return $"class Config: {name} has no counterpart in pydantic 2";
        return null;
    }
}
