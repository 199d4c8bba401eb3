namespace PyResolve.Client;

/// <summary>Reads TOML 1.1: every statement and its names; <see cref="TomlValues"/> reads the values.</summary>
internal sealed class TomlReader(string path, string text)
{
    private const int DeepestNesting = 64;

    private readonly TomlCursor _cursor = new(path, text);
    private readonly TomlNode _root = new(TomlKind.HeaderTable, line: 1);
    private TomlNode? _table;
    private int? _firstHeader;
    private int _lastRootLineEnd = -1;

    public TomlDocument Read()
    {
        _cursor.SkipByteOrderMark();
        while (SkipToStatement())
        {
            if (_cursor.Peek() == '[')
                ReadHeader();
            else
                ReadEntry();
        }

        _root.InsertAt = RootEnd();
        return new(_root);
    }

    private bool SkipToStatement()
    {
        while (true)
        {
            _cursor.SkipWhitespace();
            _cursor.SkipComment();
            if (_cursor.IsAtEnd)
                return false;
            if (!_cursor.TryNewLine())
                return true;
        }
    }

    private void ReadHeader()
    {
        var start = _cursor.LineStart;
        var isArray = _cursor.TryConsume("[[");
        if (!isArray)
            _cursor.Expect('[');
        var names = ReadDottedKey();
        _cursor.SkipWhitespace();
        if (!_cursor.TryConsume(isArray ? "]]" : "]"))
            throw _cursor.Error($"the table header needs its closing {(isArray ? "]]" : "]")}.");
        _table = _root.TryOpen(names, isArray, _cursor.Line)
            ?? throw _cursor.Error($"[{string.Join(".", names)}] is defined twice.");
        _cursor.ExpectLineEnd();
        _firstHeader ??= start;
        _table.HeaderStart = start;
        _table.InsertAt = _cursor.Position;
    }

    private void ReadEntry()
    {
        var (line, lineStart) = (_cursor.Line, _cursor.LineStart);
        var key = ReadDottedKey();
        _cursor.SkipWhitespace();
        if (!_cursor.TryConsume("="))
            throw _cursor.Error("a key needs = and a value after it.");
        _cursor.SkipWhitespace();
        var tables = (_table ?? _root).TryExtend(key, line) ?? throw _cursor.Error($"{string.Join(".", key)} is set twice.");
        var value = new TomlValues(_cursor, ReadDottedKey).Read();
        tables[tables.Count - 1].Add(key[key.Count - 1], value);
        _cursor.ExpectLineEnd();
        value.Removal = new(lineStart, _cursor.Position);
        foreach (var table in tables)
            table.InsertAt = _cursor.Position;
        if (_firstHeader is null)
            _lastRootLineEnd = _cursor.Position;
    }

    private List<string> ReadDottedKey()
    {
        var names = new List<string>();
        do
        {
            if (names.Count == DeepestNesting)
                throw _cursor.Error("the key has too many parts.");
            _cursor.SkipWhitespace();
            names.Add(_cursor.Peek() switch
            {
                '"' => TomlStrings.ReadBasic(_cursor),
                '\'' => TomlStrings.ReadLiteral(_cursor),
                _ when _cursor.TakeWhile(TomlText.IsBareCharacter) is { Length: > 0 } bare => bare,
                _ => throw _cursor.Error("a key was expected here."),
            });
            _cursor.SkipWhitespace();
        }
        while (_cursor.TryConsume("."));
        return names;
    }

    /// <summary>After the last top-level key; if there is none, before the first table and the comment above it.</summary>
    private int RootEnd()
    {
        if (_lastRootLineEnd >= 0)
            return _lastRootLineEnd;
        if (_firstHeader is not { } end)
            return text.Length;
        while (end > 0)
        {
            var previous = end < 2 ? 0 : text.LastIndexOf('\n', end - 2) + 1;
            if (!IsComment(previous))
                break;
            end = previous;
        }

        return end == 0 && text.Length > 0 && text[0] == '\uFEFF' ? 1 : end;
    }

    private bool IsComment(int position)
    {
        while (position < text.Length && text[position] is (' ' or '\t' or '\uFEFF'))
            position++;
        return position < text.Length && text[position] == '#';
    }
}
