using PyResolve.Migrators.Pydantic.Models;
using PyResolve.Migrators.Pydantic.Python;

namespace PyResolve.Migrators.Pydantic.Rewrites;

/// <summary>Fields: optional types get the default <c>None</c> that they had implicitly, and constraints get their new names.</summary>
internal static class Fields
{
    private static readonly HashSet<string> Constrained = new(StringComparer.Ordinal) { "Field", "conlist", "conset", "constr" };

    private static readonly Dictionary<string, string> RenamedArguments = new(StringComparer.Ordinal)
    {
        ["max_items"] = "max_length",
        ["min_items"] = "min_length",
        ["regex"] = "pattern",
    };

    public static void Apply(Rewriter rewriter, ModelIndex index, IReadOnlySet<string> imported)
    {
        var source = rewriter.Source;
        for (var i = 0; i < source.Lines.Count; i++)
        {
            var line = source.Lines[i];
            if (source.IsAt(line.First, "class") && source.IsName(line.First + 1) && index.IsModel(source.Tokens[line.First + 1].Text))
                DefaultOptionals(rewriter, i);
        }
        for (var i = 0; i < source.Tokens.Count; i++)
        {
            if (source.IsName(i) && Constrained.Contains(source.Tokens[i].Text) && imported.Contains(source.Tokens[i].Text)
                && source.IsAt(i + 1, "("))
                RenameArguments(rewriter, i);
        }
    }

    private static void DefaultOptionals(Rewriter rewriter, int classLine)
    {
        var source = rewriter.Source;
        var indent = classLine + 1 < source.Lines.Count ? source.Lines[classLine + 1].Indent : 0;
        for (var i = classLine + 1; i < source.BodyEnd(classLine); i++)
        {
            var line = source.Lines[i];
            if (line.Indent != indent || !source.IsName(line.First) || !source.IsAt(line.First + 1, ":"))
                continue;
            var tokens = source.Tokens.Take((line.First + 2)..line.End).ToList();
            var isOptional = tokens.Count > 1 && (tokens[0].Is("Optional") || (tokens[^1].Is("None") && tokens[^2].Is("|")));
            if (!isOptional || tokens.Exists(t => t.Is("=")))
                continue;
            rewriter.Insert(tokens[^1].End, " = None");
            rewriter.Changed("Optional[…]");
        }
    }

    private static void RenameArguments(Rewriter rewriter, int name)
    {
        var source = rewriter.Source;
        foreach (var (first, _) in source.Elements(name + 1))
        {
            if (!source.IsAt(first + 1, "="))
                continue;
            var argument = source.Tokens[first];
            if (RenamedArguments.TryGetValue(argument.Text, out var renamed))
            {
                rewriter.Replace(argument, renamed);
                rewriter.Changed($"{argument.Text}=");
            }
            else if (argument.Text is "const" or "unique_items" or "allow_mutation")
                rewriter.Leave(argument, $"{source.Tokens[name].Text}({argument.Text}=…) has no counterpart in pydantic 2");
        }
    }
}
