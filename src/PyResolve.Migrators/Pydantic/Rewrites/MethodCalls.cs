using PyResolve.Migrators.Pydantic.Models;
using PyResolve.Migrators.Pydantic.Python;

namespace PyResolve.Migrators.Pydantic.Rewrites;

/// <summary>
/// Methods that pydantic 2 renamed. Names that only pydantic uses are renamed everywhere; common names (<c>dict</c>, <c>json</c>,
/// <c>copy</c>,
/// <c>schema</c>) only if the receiver is known to be a model.
/// </summary>
internal static class MethodCalls
{
    private static readonly Dictionary<string, string> Unmistakable = new(StringComparer.Ordinal)
    {
        ["parse_obj"] = "model_validate",
        ["parse_raw"] = "model_validate_json",
        ["from_orm"] = "model_validate",
        ["update_forward_refs"] = "model_rebuild",
        ["__fields__"] = "model_fields",
        ["__fields_set__"] = "model_fields_set",
    };

    private static readonly Dictionary<string, string> OnModels = new(StringComparer.Ordinal)
    {
        ["dict"] = "model_dump",
        ["json"] = "model_dump_json",
        ["copy"] = "model_copy",
        ["schema"] = "model_json_schema",
        ["construct"] = "model_construct",
    };

    /// <summary>Arguments that the new method does not have.</summary>
    private static readonly Dictionary<string, string[]> Dropped = new(StringComparer.Ordinal)
    {
        ["json"] = ["encoder", "models_as_dict", "ensure_ascii", "sort_keys", "separators", "skip_defaults"],
        ["dict"] = ["skip_defaults"],
        ["copy"] = ["include", "exclude"],
        ["schema"] = ["by_alias"],
        ["parse_raw"] = ["content_type", "encoding", "proto", "allow_pickle"],
    };

    public static void Apply(Rewriter rewriter, Scopes scopes)
    {
        var source = rewriter.Source;
        for (var i = 1; i < source.Tokens.Count; i++)
        {
            if (source.IsName(i) && source.IsAt(i - 1, "."))
                Member(rewriter, scopes, i);
        }
    }

    private static void Member(Rewriter rewriter, Scopes scopes, int name)
    {
        var source = rewriter.Source;
        var token = source.Tokens[name];
        var isCall = source.IsAt(name + 1, "(");
        if (token.Text is "parse_file" or "schema_json" && isCall)
            rewriter.Leave(token, $".{token.Text}() has no counterpart in pydantic 2");
        else if (Unmistakable.TryGetValue(token.Text, out var replacement)
            && isCall != token.Text.StartsWith("__", StringComparison.Ordinal))
            Rename(rewriter, name, replacement);
        else if (isCall && OnModels.TryGetValue(token.Text, out replacement))
        {
            if (scopes.Receiver(name - 1) is { Kind: not PyKind.Collection })
                Rename(rewriter, name, replacement);
            else if (token.Text is "dict" or "json" && scopes.Receiver(name - 1) is null)
                rewriter.Leave(token, $"{scopes.ReceiverText(name - 1)}.{token.Text}(): not known to be a model");
        }
    }

    private static void Rename(Rewriter rewriter, int name, string replacement)
    {
        var source = rewriter.Source;
        var token = source.Tokens[name];
        var isCall = source.IsAt(name + 1, "(");
        if (isCall && Dropped.TryGetValue(token.Text, out var dropped)
            && source.Elements(name + 1).Select(e => source.Tokens[e.First].Text).FirstOrDefault(dropped.Contains) is { } argument)
        {
            rewriter.Leave(token, $".{replacement}() takes no {argument}=");
            return;
        }
        rewriter.Replace(token, replacement);
        rewriter.Changed(isCall ? $".{token.Text}()" : $".{token.Text}");
    }
}
