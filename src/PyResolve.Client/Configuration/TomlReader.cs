namespace PyResolve.Client;

/// <summary>Reads TOML 1.1: every statement and its names; <see cref="TomlValues"/> reads the values.</summary>
internal sealed class TomlReader(string path, string text)
{
    private readonly TomlCursor _cursor = new(path, text);
    private readonly TomlNames _names = new();
    private readonly List<TomlEntry> _entries = [];
    private readonly List<TomlTable> _tables = [];
    private IReadOnlyList<string> _table = [];
    private bool _isInArrayOfTables;
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

        return new(_entries, _tables, RootEnd());
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
        if (!_names.TryHeader(names, isArray))
            throw _cursor.Error($"[{string.Join(".", names)}] is defined twice.");
        _cursor.ExpectLineEnd();
        _firstHeader ??= start;
        _table = names;
        _isInArrayOfTables = _names.IsInArray(names);
        if (!_isInArrayOfTables)
            _tables.Add(new(names, _cursor.Position));
    }

    private void ReadEntry()
    {
        var (line, lineStart) = (_cursor.Line, _cursor.LineStart);
        var key = ReadDottedKey();
        _cursor.SkipWhitespace();
        if (!_cursor.TryConsume("="))
            throw _cursor.Error("a key needs = and a value after it.");
        _cursor.SkipWhitespace();
        if (!_names.TryKey(_table, key))
            throw _cursor.Error($"{string.Join(".", key)} is set twice.");
        var valueStart = _cursor.Position;
        var value = new TomlValues(_cursor, ReadDottedKey).Read();
        var valueEnd = _cursor.Position;
        _cursor.ExpectLineEnd();
        if (_isInArrayOfTables)
            return;
        if (_firstHeader is null)
            _lastRootLineEnd = _cursor.Position;
        else
            _tables[_tables.Count - 1] = _tables[_tables.Count - 1] with { End = _cursor.Position };
        _entries.Add(new([.. _table, .. key], value, line, lineStart, _cursor.Position, valueStart, valueEnd));
    }

    private List<string> ReadDottedKey()
    {
        var names = new List<string>();
        do
        {
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
