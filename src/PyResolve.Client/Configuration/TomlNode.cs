namespace PyResolve.Client;

/// <summary>The forms in which TOML writes a value or a table.</summary>
internal enum TomlKind
{
    Scalar,
    Array, // [1, 2] or [{ a = 1 }].
    InlineTable, // { a = 1 }
    ImpliedTable, // A table that is only part of longer headers; its own header may still follow.
    DottedTable, // A table that a dotted key defined; no header may reopen it.
    HeaderTable, // A table with its own header, an element of an array of tables, or the whole file.
    ArrayOfTables, // [[a]]; names are added to TomlNode.Last.
}

/// <summary>A value or a table, with its places in the text. TOML lets a key be set once and a table be defined once.</summary>
internal sealed class TomlNode(TomlKind kind, int line)
{
    private readonly List<(string Name, TomlNode Node)> _members = [];
    private readonly List<TomlNode> _elements = [];
    private Dictionary<string, TomlNode>? _byName;

    public TomlKind Kind { get; private set; } = kind;

    /// <summary>From 1.</summary>
    public int Line => line;

    /// <summary>A string's value; <see langword="null"/> for everything else.</summary>
    public string? Text { get; init; }

    /// <summary>The text of a scalar, an array or an inline table.</summary>
    public TomlSpan Value { get; set; }

    /// <summary>The text to delete, so that the value is gone and the rest is valid.</summary>
    public TomlSpan Removal { get; set; }

    /// <summary>Where the line of the table's own header begins; <see langword="null"/> when it has none.</summary>
    public int? HeaderStart { get; set; }

    /// <summary>Where a new key of the table goes: the end of a line or, in an inline table, of a value or its opening brace.</summary>
    public int InsertAt { get; set; }

    /// <summary>The table in whose lines, or braces, the keys of this one are written: itself, unless dotted keys defined it.</summary>
    public TomlNode Owner { get => field ?? this; set; }

    public IReadOnlyList<(string Name, TomlNode Node)> Members => _members;

    public IReadOnlyList<TomlNode> Elements => _elements;

    public bool IsTable => Kind is TomlKind.InlineTable or TomlKind.ImpliedTable or TomlKind.DottedTable or TomlKind.HeaderTable;

    public bool IsArray => Kind is TomlKind.Array or TomlKind.ArrayOfTables;

    public bool HasTables => IsTable || _elements.Exists(static element => element.HasTables);

    /// <summary>The table that names are added to: an array's last element, or this table.</summary>
    public TomlNode Last => Kind == TomlKind.ArrayOfTables ? _elements[_elements.Count - 1] : this;

    public TomlNode? Find(string name) => _byName is not null && _byName.TryGetValue(name, out var node) ? node : null;

    public void Add(string name, TomlNode node)
    {
        (_byName ??= new(StringComparer.Ordinal)).Add(name, node);
        _members.Add((name, node));
    }

    public void AddElement(TomlNode element) => _elements.Add(element);

    /// <summary>Opens the table of a header.</summary>
    /// <returns><see langword="null"/> when the name is in use.</returns>
    public TomlNode? TryOpen(IReadOnlyList<string> names, bool isArray, int atLine)
    {
        var parent = this;
        for (var i = 0; i < names.Count - 1; i++)
        {
            parent = parent.Child(names[i], TomlKind.ImpliedTable, atLine).Last;
            if (parent.Kind is TomlKind.Scalar or TomlKind.Array or TomlKind.InlineTable)
                return null;
        }

        var name = names[names.Count - 1];
        if (isArray)
        {
            var array = parent.Child(name, TomlKind.ArrayOfTables, atLine);
            if (array.Kind != TomlKind.ArrayOfTables)
                return null;
            array.AddElement(new(TomlKind.HeaderTable, atLine));
            return array.Last;
        }

        var isNew = parent.Find(name) is null;
        var table = parent.Child(name, TomlKind.HeaderTable, atLine);
        if (!isNew && table.Kind != TomlKind.ImpliedTable)
            return null;
        table.Kind = TomlKind.HeaderTable;
        return table;
    }

    /// <summary>The table for the last name of a dotted key, which is free there. Its tables are owned by this one.</summary>
    /// <returns><see langword="null"/> when a name is in use.</returns>
    public IReadOnlyList<TomlNode>? TryExtend(IReadOnlyList<string> key, int atLine)
    {
        var tables = new List<TomlNode> { this };
        for (var i = 0; i < key.Count - 1; i++)
        {
            var table = tables[i].Child(key[i], TomlKind.DottedTable, atLine);
            if (table.Kind == TomlKind.ImpliedTable)
                table.Kind = TomlKind.DottedTable;
            if (table.Kind != TomlKind.DottedTable)
                return null;
            table.Owner = this;
            tables.Add(table);
        }

        return tables[tables.Count - 1].Find(key[key.Count - 1]) is null ? tables : null;
    }

    private TomlNode Child(string name, TomlKind whenNew, int atLine)
    {
        if (Find(name) is not { } child)
            Add(name, child = new(whenNew, atLine));
        return child;
    }
}
