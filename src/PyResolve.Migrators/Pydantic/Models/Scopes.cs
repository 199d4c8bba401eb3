using PyResolve.Migrators.Pydantic.Python;

namespace PyResolve.Migrators.Pydantic.Models;

/// <summary>
/// The types of the names and expressions in a file, found from annotations and simple assignments. Ambiguous names have no type: a name
/// that
/// gets two types in one scope has none.
/// </summary>
internal sealed class Scopes
{
    private readonly PythonSource _source;
    private readonly ModelIndex _index;
    private readonly List<Scope> _scopes = [];

    private sealed record Scope(int First, int End, bool IsClass, string? Model)
    {
        public Dictionary<string, PyType?> Names { get; } = [];
    }

    public Scopes(PythonSource source, ModelIndex index)
    {
        (_source, _index) = (source, index);
        _scopes.Add(new Scope(0, source.Tokens.Count, IsClass: false, Model: null));
        for (var i = 0; i < source.Lines.Count; i++)
            Open(i);
        foreach (var line in source.Lines)
            Learn(line);
    }

    /// <summary>The type of the expression before the dot at <paramref name="dot"/>; null if it is not known to be a model.</summary>
    public PyType? Receiver(int dot)
    {
        var start = ChainStart(dot);
        return start < 0 ? null : Resolve(start, dot);
    }

    /// <summary>The expression before the dot.</summary>
    public string ReceiverText(int dot)
    {
        var start = ChainStart(dot);
        return start < 0 ? "this" : _source.Slice(start, dot);
    }

    private int ChainStart(int dot)
    {
        for (var i = dot - 1; i >= 0;)
        {
            if (_source.IsAt(i, ")") || _source.IsAt(i, "]"))
                i = _source.Partner(i) - 1;
            else if (!_source.IsName(i))
                return -1;
            // An ellipsis (...) ends the statement before it.
            else if (_source.IsAt(i - 1, ".") && !_source.IsAt(i - 2, "."))
                i -= 2;
            else
                return i;
        }
        return -1;
    }

    private void Open(int lineIndex)
    {
        var line = _source.Lines[lineIndex];
        var keyword = _source.IsAt(line.First, "async") ? line.First + 1 : line.First;
        var isClass = _source.IsAt(keyword, "class");
        if (!isClass && !_source.IsAt(keyword, "def"))
            return;
        var bodyEnd = _source.BodyEnd(lineIndex);
        var end = bodyEnd < _source.Lines.Count ? _source.Lines[bodyEnd].First : _source.Tokens.Count;
        var name = _source.Tokens[keyword + 1].Text;
        _scopes.Add(new Scope(line.First, end, isClass, isClass && _index.IsModel(name) ? name : null));
        if (!isClass && _source.IsAt(keyword + 2, "("))
        {
            foreach (var (first, elementEnd) in _source.Elements(keyword + 2))
                LearnAnnotated(first, elementEnd);
        }
    }

    private void Learn(LogicalLine line)
    {
        if (!LearnAnnotated(line.First, line.End) && _source.IsName(line.First) && _source.IsAt(line.First + 1, "="))
            Set(line.First, _source.Tokens[line.First].Text, Resolve(line.First + 2, line.End));
        for (var i = line.First; i < line.End - 2; i++)
        {
            if (_source.IsAt(i, "for"))
                LearnLoop(i, line.End);
        }
    }

    private bool LearnAnnotated(int first, int end)
    {
        var colon = first;
        while (colon < end && (_source.IsName(colon) || _source.IsAt(colon, ".")))
            colon++;
        if (colon == first || colon >= end || !_source.IsAt(colon, ":") || _source.IsAt(first, "else") || _source.IsAt(first, "try"))
            return false;
        var stop = colon + 1;
        while (stop < end && !_source.IsAt(stop, "="))
            stop++;
        Set(first, _source.Slice(first, colon), _index.Annotation(_source, colon + 1, stop));
        return true;
    }

    private void LearnLoop(int keyword, int end)
    {
        var variables = keyword + 1;
        while (variables < end && !_source.IsAt(variables, "in"))
            variables++;
        if (variables >= end || !_source.IsName(variables - 1))
            return;
        var chainEnd = variables + 1;
        while (chainEnd < end && (_source.IsName(chainEnd) || _source.IsAt(chainEnd, ".") || _source.IsAt(chainEnd, "(")
            || _source.IsAt(chainEnd, "["))
            && !_source.IsAt(chainEnd, "if") && !_source.IsAt(chainEnd, "for"))
        {
            chainEnd = _source.IsName(chainEnd) || _source.IsAt(chainEnd, ".") ? chainEnd + 1 : _source.Partner(chainEnd) + 1;
        }
        var element = Resolve(variables + 1, chainEnd) is { Kind: PyKind.Collection } collection
            ? collection with { Kind = PyKind.Instance }
            : null;
        // Of several loop variables only the last one, the value of a dict, has a known type.
        Set(keyword, _source.Tokens[variables - 1].Text, element);
    }

    private void Set(int at, string name, PyType? type)
    {
        var scope = name.StartsWith("self.", StringComparison.Ordinal) ? EnclosingClass(at) ?? Innermost(at) : Innermost(at);
        var key = scope.IsClass && !name.StartsWith("self.", StringComparison.Ordinal) ? "self." + name : name;
        scope.Names[key] = scope.Names.TryGetValue(key, out var known) && known != type ? null : type;
    }

    private Scope Innermost(int token) => _scopes.Where(s => token >= s.First && token < s.End).MaxBy(s => s.First)!;

    private Scope? EnclosingClass(int token) => _scopes.Where(s => s.IsClass && token >= s.First && token < s.End).MaxBy(s => s.First);

    private PyType? Lookup(int at, string name)
    {
        foreach (var scope in _scopes.Where(s => at >= s.First && at < s.End).OrderByDescending(s => s.First))
        {
            if (scope.Names.TryGetValue(name, out var type))
                return type;
            if (scope.Model is { } model && name is "self" or "cls")
                return new PyType(name == "self" ? PyKind.Instance : PyKind.Class, model);
        }
        return _index.IsModel(name) ? new PyType(PyKind.Class, name) : null;
    }

    /// <summary>The type of a chain of names, calls and subscripts, which ends at <paramref name="end"/>.</summary>
    private PyType? Resolve(int first, int end)
    {
        if (_source.IsAt(first, "await"))
            first++;
        if (first >= end || !_source.IsName(first))
            return null;
        var i = first + 1;
        PyType? type;
        if (_source.IsAt(first, "self") && _source.IsAt(i, ".") && _source.IsName(i + 1) && !_source.IsAt(i + 2, "(")
            && Lookup(first, "self." + _source.Tokens[i + 1].Text) is { } member)
            (type, i) = (member, i + 2);
        else if (_source.IsAt(i, "(") && !_index.IsModel(_source.Tokens[first].Text) && !_source.IsAt(first, "cls"))
            (type, i) = (_index.Returned(_source.Tokens[first].Text), _source.Partner(i) + 1);
        else
            type = Lookup(first, _source.Tokens[first].Text);

        while (i < end)
        {
            if (_source.IsAt(i, ".") && _source.IsName(i + 1))
            {
                var isCall = _source.IsAt(i + 2, "(");
                type = isCall ? Called(type, _source.Tokens[i + 1].Text) : Member(type, _source.Tokens[i + 1].Text);
                i = isCall ? _source.Partner(i + 2) + 1 : i + 2;
            }
            else if (_source.IsAt(i, "("))
            {
                type = type is { Kind: PyKind.Class } ? type with { Kind = PyKind.Instance } : null;
                i = _source.Partner(i) + 1;
            }
            else if (_source.IsAt(i, "["))
            {
                type = type is { Kind: PyKind.Collection } ? type with { Kind = PyKind.Instance } : null;
                i = _source.Partner(i) + 1;
            }
            else
                return null;
        }
        return type;
    }

    private PyType? Member(PyType? type, string name) => type is { Kind: PyKind.Instance } ? _index.Field(type.Model, name) : null;

    private PyType? Called(PyType? type, string method) => (type?.Kind, method) switch
    {
        (PyKind.Class, "parse_obj" or "parse_raw" or "parse_file" or "from_orm" or "construct"
            or "model_validate" or "model_validate_json" or "model_construct") => type! with { Kind = PyKind.Instance },
        (PyKind.Instance, "copy" or "model_copy") => type,
        (PyKind.Collection, "values" or "items" or "copy") => type,
        (PyKind.Collection, "get" or "pop" or "setdefault") => type! with { Kind = PyKind.Instance },
        _ => _index.Returned(method),
    };
}
