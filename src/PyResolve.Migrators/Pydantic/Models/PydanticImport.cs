using PyResolve.Migrators.Pydantic.Python;

namespace PyResolve.Migrators.Pydantic.Models;

/// <summary>A <c>from pydantic… import …</c> line: its module, and the names that it imports without <c>as</c>.</summary>
internal sealed record PydanticImport(LogicalLine Line, string Module, IReadOnlyList<string> Names, bool HasAliases)
{
    public static IEnumerable<PydanticImport> In(PythonSource source)
    {
        foreach (var line in source.Lines)
        {
            if (!source.IsAt(line.First, "from") || !source.IsName(line.First + 1) || !source.IsAt(line.First + 2, "import"))
                continue;
            var module = source.Tokens[line.First + 1].Text;
            if (module is not ("pydantic" or "pydantic_settings"))
                continue;
            var names = source.Tokens.Take((line.First + 3)..line.End).Where(t => t.Kind == TokenKind.Name).Select(t => t.Text).ToList();
            yield return new PydanticImport(line, module, names, names.Contains("as"));
        }
    }
}
