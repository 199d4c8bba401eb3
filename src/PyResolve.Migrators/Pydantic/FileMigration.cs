using PyResolve.Migrators.Pydantic.Models;
using PyResolve.Migrators.Pydantic.Python;
using PyResolve.Migrators.Pydantic.Rewrites;

namespace PyResolve.Migrators.Pydantic;

/// <summary>The result of migrating one file.</summary>
internal sealed record FileResult(string Text, IReadOnlyList<string> Changes, IReadOnlyCollection<(int Line, string Reason)> LeftAlone);

internal static class FileMigration
{
    public static FileResult Run(PythonSource source, ModelIndex index)
    {
        var imports = PydanticImport.In(source).Where(i => i.Module == "pydantic").ToList();
        var rewriter = new Rewriter(source);
        if (Obstacle(source, imports) is { } obstacle)
        {
            rewriter.Leave(source.Tokens[imports[0].Line.First], obstacle);
            return new FileResult(source.Text, [], rewriter.LeftAlone);
        }

        var imported = imports.SelectMany(i => i.Names).ToHashSet();
        if (imports.Count > 0)
        {
            Validators.Apply(rewriter, imported);
            ConfigClasses.Apply(rewriter, index);
            Fields.Apply(rewriter, index, imported);
        }
        MethodCalls.Apply(rewriter, new Scopes(source, index));
        if (imports.Count > 0)
            Imports.Apply(rewriter, imports[0], rewriter.Apply());
        return new FileResult(rewriter.Apply(), rewriter.Changes, rewriter.LeftAlone);
    }

    private static string? Obstacle(PythonSource source, List<PydanticImport> imports)
    {
        if (imports.Count > 1)
            return "the file imports from pydantic more than once: join the imports first";
        if (imports.Exists(i => i.HasAliases))
            return "the file imports from pydantic under other names (as)";
        if (imports.Exists(i => source.HasComment(source.Tokens[i.Line.First].Start, source.Tokens[i.Line.End - 1].End)))
            return "the pydantic import has a comment in it";
        return null;
    }
}
