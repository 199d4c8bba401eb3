using PyResolve.Migrators.Pydantic.Python;

namespace PyResolve.Migrators.Pydantic.Models;

/// <summary>
/// The models in a folder, the types of their fields, and the functions that return models. Names count for the whole folder.
/// </summary>
internal sealed class ModelIndex
{
    private static readonly HashSet<string> Collections =
    [
        "list", "List", "dict", "Dict", "set", "Set", "frozenset", "tuple", "Tuple", "Iterable", "Iterator", "Sequence", "Mapping", "deque",
        "defaultdict",
    ];

    private readonly Dictionary<string, Dictionary<string, PyType?>> _fields = [];
    private readonly Dictionary<string, PyType?> _returns = [];
    private readonly HashSet<string> _models = [];
    private readonly HashSet<string> _settings = [];

    public ModelIndex(IEnumerable<PythonSource> files)
    {
        var sources = files.ToList();
        FindModels(sources);
        foreach (var source in sources)
            ReadSignatures(source);
    }

    public bool IsModel(string name) => _models.Contains(name);

    public bool IsSettings(string name) => _settings.Contains(name);

    public PyType? Field(string model, string field) => _fields.TryGetValue(model, out var fields) ? fields.GetValueOrDefault(field) : null;

    public PyType? Returned(string function) => _returns.GetValueOrDefault(function);

    /// <summary>
    /// The model type in an annotation: <c>Order</c>, <c>Optional[Order]</c>, <c>list[Order]</c>, <c>type[Order]</c>; null without a model.
    /// </summary>
    public PyType? Annotation(PythonSource source, int first, int end)
    {
        if (first < end && source.Tokens[first].Kind == TokenKind.String && end == first + 1)
        {
            var name = source.Tokens[first].Text.Trim('"', '\'');
            return IsModel(name) ? new PyType(PyKind.Instance, name) : null;
        }

        var models = source.Tokens.Take(first..end).Where(t => t.Kind == TokenKind.Name
            && IsModel(t.Text)).Select(t => t.Text).Distinct().ToList();
        if (models.Count != 1)
            return null;
        var kind = source.Tokens[first].Text switch
        {
            "type" or "Type" => PyKind.Class,
            "Optional" or "Union" or "Annotated" => PyKind.Instance,
            var outermost when outermost == models[0] => PyKind.Instance,
            var outermost when Collections.Contains(outermost) => PyKind.Collection,
            _ => (PyKind?)null,
        };
        return kind is { } known ? new PyType(known, models[0]) : null;
    }

    private void FindModels(List<PythonSource> sources)
    {
        var classes = sources.SelectMany(Classes).ToList();
        var imported = sources.SelectMany(PydanticImport.In).SelectMany(i => i.Names).ToHashSet();
        _settings.UnionWith(imported.Where(n => n == "BaseSettings"));
        _models.UnionWith(imported.Where(n => n is "BaseModel" or "BaseSettings"));
        int before;
        do
        {
            before = _models.Count;
            _models.UnionWith(classes.Where(c => c.Bases.Exists(_models.Contains)).Select(c => c.Name).ToList());
            _settings.UnionWith(classes.Where(c => c.Bases.Exists(_settings.Contains)).Select(c => c.Name).ToList());
        }
        while (_models.Count > before);
        // A name that two files use for different classes is ambiguous, and not a model.
        _models.ExceptWith(classes.Where(c => !c.Bases.Exists(_models.Contains)).Select(c => c.Name).ToList());
    }

    private static IEnumerable<(string Name, List<string> Bases)> Classes(PythonSource source)
    {
        foreach (var line in source.Lines)
        {
            if (source.IsAt(line.First, "class") && source.IsName(line.First + 1))
                yield return (source.Tokens[line.First + 1].Text, Bases(source, line).ToList());
        }
    }

    private static IEnumerable<string> Bases(PythonSource source, LogicalLine line)
    {
        if (!source.IsAt(line.First + 2, "("))
            return [];
        return source.Elements(line.First + 2)
            .Where(e => source.IsName(e.First) && (e.End == e.First + 1 || source.IsAt(e.First + 1, "[")))
            .Select(e => source.Tokens[e.First].Text);
    }

    private void ReadSignatures(PythonSource source)
    {
        for (var i = 0; i < source.Lines.Count; i++)
        {
            var line = source.Lines[i];
            var def = source.IsAt(line.First, "async") ? line.First + 1 : line.First;
            if (source.IsAt(def, "def") && source.IsName(def + 1) && source.IsAt(def + 2, "("))
                ReadReturn(source, line, def);
            else if (source.IsAt(line.First, "class") && source.IsName(line.First + 1) && IsModel(source.Tokens[line.First + 1].Text))
                ReadFields(source, i);
        }
    }

    private void ReadReturn(PythonSource source, LogicalLine line, int def)
    {
        var close = source.Partner(def + 2);
        var colon = Enumerable.Range(close, line.End - close).FirstOrDefault(t => source.IsAt(t, ":"), line.End);
        var type = source.IsAt(close + 1, "->") ? Annotation(source, close + 2, colon) : null;
        var name = source.Tokens[def + 1].Text;
        _returns[name] = _returns.TryGetValue(name, out var known) && known != type ? null : type;
    }

    private void ReadFields(PythonSource source, int classLine)
    {
        var fields = new Dictionary<string, PyType?>();
        for (var i = classLine + 1; i < source.BodyEnd(classLine); i++)
        {
            var line = source.Lines[i];
            if (!source.IsName(line.First) || !source.IsAt(line.First + 1, ":"))
                continue;
            var end = Enumerable.Range(line.First, line.End - line.First).FirstOrDefault(t => source.IsAt(t, "="), line.End);
            fields[source.Tokens[line.First].Text] = Annotation(source, line.First + 2, end);
        }
        _fields[source.Tokens[source.Lines[classLine].First + 1].Text] = fields;
    }
}
