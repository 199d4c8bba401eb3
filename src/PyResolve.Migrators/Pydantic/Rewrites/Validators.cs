using PyResolve.Migrators.Pydantic.Python;

namespace PyResolve.Migrators.Pydantic.Rewrites;

/// <summary>Rewrites <c>@validator</c> and <c>@root_validator</c> if pydantic 2 has an equivalent; others are left alone.</summary>
internal static class Validators
{
    public static void Apply(Rewriter rewriter, IReadOnlySet<string> imported)
    {
        var lines = rewriter.Source.Lines;
        for (var i = 0; i < lines.Count; i++)
        {
            if (!rewriter.Source.IsAt(lines[i].First, "@"))
                continue;
            var name = lines[i].First + 1;
            if (rewriter.Source.IsAt(name, "validator") && imported.Contains("validator"))
                Leaving(rewriter, name, Field(rewriter, i));
            else if (rewriter.Source.IsAt(name, "root_validator") && imported.Contains("root_validator"))
                Leaving(rewriter, name, Root(rewriter, i));
        }
    }

    private static void Leaving(Rewriter rewriter, int name, string? reason)
    {
        if (reason is not null)
            rewriter.Leave(rewriter.Source.Tokens[name], $"@{rewriter.Source.Tokens[name].Text}: {reason}");
    }

    private static string? Field(Rewriter rewriter, int line)
    {
        var source = rewriter.Source;
        var name = source.Lines[line].First + 1;
        if (!source.IsAt(name + 1, "(") || Method.After(source, line) is not { } method)
            return "its method was not found";

        var arguments = source.Elements(name + 1);
        var fields = arguments.Where(a => !source.IsAt(a.First + 1, "=")).Select(a => source.Slice(a.First, a.End)).ToList();
        if (!TryReadOptions(source, arguments, ["pre", "allow_reuse", "check_fields"], out var options, out var unknown))
            return unknown;
        if (method.Parameters is not ([_, _] or [_, _, "values"]))
            return "it takes more than (cls, value, values)";

        if (options.GetValueOrDefault("pre") == "True")
            fields.Add("mode=\"before\"");
        if (options.TryGetValue("check_fields", out var check))
            fields.Add("check_fields=" + check);
        rewriter.Replace(
            source.Tokens[name].Start, source.Tokens[source.Lines[line].End - 1].End, $"field_validator({string.Join(", ", fields)})");
        rewriter.Wanted.Add("field_validator");
        AddClassMethod(rewriter, method);
        if (method.Parameters is [_, _, "values"])
            UseValidationInfo(rewriter, method);
        rewriter.Changed("@validator");
        return null;
    }

    private static string? Root(Rewriter rewriter, int line)
    {
        var source = rewriter.Source;
        var name = source.Lines[line].First + 1;
        if (Method.After(source, line) is not { } method)
            return "its method was not found";
        List<(int First, int End)> arguments = source.IsAt(name + 1, "(") ? source.Elements(name + 1) : [];
        if (!TryReadOptions(source, arguments, ["pre", "allow_reuse", "skip_on_failure"], out var options, out var unknown))
            return unknown;
        if (method.Parameters is not [_, var values])
            return "it takes more than (cls, values)";

        var isBefore = options.GetValueOrDefault("pre") == "True";
        if (!isBefore && !TryUseSelf(rewriter, method, values))
            return "it does more with its values than read and return them";
        var decorator = $"model_validator(mode=\"{(isBefore ? "before" : "after")}\")";
        rewriter.Replace(source.Tokens[name].Start, source.Tokens[source.Lines[line].End - 1].End, decorator);
        rewriter.Wanted.Add("model_validator");
        if (isBefore)
            AddClassMethod(rewriter, method);
        rewriter.Changed("@root_validator");
        return null;
    }

    private static bool TryReadOptions(
        PythonSource source,
        List<(int First, int End)> arguments,
        string[] known,
        out Dictionary<string, string> options,
        out string? unknown)
    {
        options = arguments.Where(a => source.IsAt(a.First + 1, "="))
            .ToDictionary(a => source.Tokens[a.First].Text, a => source.Slice(a.First + 2, a.End), StringComparer.Ordinal);
        unknown = options.Keys.FirstOrDefault(k => !known.Contains(k)) is { } option ? $"{option}= has no counterpart in pydantic 2" : null;
        return unknown is null;
    }

    private static void AddClassMethod(Rewriter rewriter, Method method)
    {
        if (method.IsClassMethod)
            return;
        var start = rewriter.Source.Tokens[method.Def].Start;
        rewriter.Insert(start, "@classmethod" + rewriter.Source.NewLine + rewriter.Source.Indentation(start));
    }

    /// <summary><c>values</c>, a dict of the earlier fields, is <c>info.data</c> in pydantic 2.</summary>
    private static void UseValidationInfo(Rewriter rewriter, Method method)
    {
        var source = rewriter.Source;
        var (first, end) = source.Elements(method.Def + 2)[2];
        rewriter.Replace(source.Tokens[first].Start, source.Tokens[end - 1].End, "info: ValidationInfo");
        rewriter.Wanted.Add("ValidationInfo");
        foreach (var use in method.Uses(source, "values"))
            rewriter.Replace(source.Tokens[use], "info.data");
    }

    /// <summary>
    /// After validation there is a model instead of a dict: <c>values["a"]</c> and <c>values.get("a")</c> become members of it.
    /// </summary>
    private static bool TryUseSelf(Rewriter rewriter, Method method, string values)
    {
        var source = rewriter.Source;
        var edits = new List<(int Start, int End, string Text)>();
        foreach (var use in method.Uses(source, values))
        {
            var token = source.Tokens[use];
            if (source.IsAt(use - 1, "return"))
                edits.Add((token.Start, token.End, "self"));
            else if (source.IsAt(use + 1, "[") && !source.IsAt(source.Partner(use + 1) + 1, "=") && Key(source, use + 1) is { } key)
                edits.Add((token.Start, source.Tokens[source.Partner(use + 1)].End, "self." + key));
            else if (source.IsAt(use + 1, ".") && source.IsAt(use + 2, "get") && source.IsAt(use + 3, "(")
                && Key(source, use + 3) is { } got)
                edits.Add((token.Start, source.Tokens[source.Partner(use + 3)].End, "self." + got));
            else
                return false;
        }
        if (method.Uses(source, "cls").Any())
            return false;
        rewriter.Replace(source.Tokens[method.Def + 3].Start, source.Tokens[source.Partner(method.Def + 2)].Start, "self");
        edits.ForEach(e => rewriter.Replace(e.Start, e.End, e.Text));
        return true;
    }

    private static string? Key(PythonSource source, int open) =>
        source.Partner(open) == open + 2 && source.Tokens[open + 1] is { Kind: TokenKind.String } key && key.Text[0] is '"' or '\''
            ? source.Tokens[open + 1].Text.Trim('"', '\'')
            : null;

    private sealed record Method(int Def, int End, IReadOnlyList<string> Parameters, bool IsClassMethod)
    {
        /// <summary>The method below the decorator on this line.</summary>
        public static Method? After(PythonSource source, int line)
        {
            var isClassMethod = false;
            for (var i = line + 1; i < source.Lines.Count; i++)
            {
                var first = source.Lines[i].First;
                if (source.IsAt(first, "@"))
                {
                    isClassMethod |= source.IsAt(first + 1, "classmethod");
                    continue;
                }
                if (!source.IsAt(first, "def") || !source.IsAt(first + 2, "("))
                    return null;
                var bodyEnd = source.BodyEnd(i);
                var end = bodyEnd < source.Lines.Count ? source.Lines[bodyEnd].First : source.Tokens.Count;
                var parameters = source.Elements(first + 2).Select(e => source.Tokens[e.First].Text).ToList();
                return new Method(first, end, parameters, isClassMethod);
            }
            return null;
        }

        public IEnumerable<int> Uses(PythonSource source, string name)
        {
            for (var i = source.Partner(Def + 2) + 1; i < End; i++)
            {
                var isArgumentName = source.IsAt(i + 1, "=") && (source.IsAt(i - 1, "(") || source.IsAt(i - 1, ","));
                if (source.IsAt(i, name) && !source.IsAt(i - 1, ".") && !isArgumentName)
                    yield return i;
            }
        }
    }
}
