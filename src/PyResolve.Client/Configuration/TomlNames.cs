namespace PyResolve.Client;

/// <summary>The names that are in use: TOML lets a key be set once and a table be defined once.</summary>
internal sealed class TomlNames
{
    private readonly Node _root = new(Kind.Header);

    private enum Kind
    {
        Value, // A value, to which nothing can be added.
        Implied, // A table that is only part of longer headers; its own header may still follow.
        Dotted, // A table that a dotted key defined; no header may reopen it.
        Header, // A table with its own header.
        Array, // An array of tables; names are added to Node.Last.
    }

    public bool TryHeader(IReadOnlyList<string> names, bool isArray)
    {
        var node = _root;
        for (var i = 0; i < names.Count - 1; i++)
        {
            node = node.Last.Child(names[i], Kind.Implied);
            if (node.Kind == Kind.Value)
                return false;
        }

        var (parent, name) = (node.Last, names[names.Count - 1]);
        if (!parent.Children.TryGetValue(name, out var existing))
        {
            parent.Children.Add(name, new(isArray ? Kind.Array : Kind.Header));
            return true;
        }

        if (isArray)
            return existing.TryAppend();
        return existing.TryDefine();
    }

    public bool TryKey(IReadOnlyList<string> table, IReadOnlyList<string> key)
    {
        var node = _root;
        foreach (var name in table)
            node = node.Last.Children[name];
        node = node.Last;
        for (var i = 0; i < key.Count - 1; i++)
        {
            node = node.Child(key[i], Kind.Dotted);
            if (!node.TryExtend())
                return false;
        }

        var last = key[key.Count - 1];
        if (node.Children.ContainsKey(last))
            return false;
        node.Children.Add(last, new(Kind.Value));
        return true;
    }

    public bool IsInArray(IReadOnlyList<string> names)
    {
        var node = _root;
        foreach (var name in names)
        {
            node = node.Last.Children[name];
            if (node.Kind == Kind.Array)
                return true;
        }

        return false;
    }

    private sealed class Node(Kind kind)
    {
        private Node? _element;

        public Kind Kind { get; private set; } = kind;

        public Dictionary<string, Node> Children { get; } = new(StringComparer.Ordinal);

        /// <summary>The table that names are added to: an array's last element, or this table.</summary>
        public Node Last => Kind == Kind.Array ? _element ??= new(Kind.Header) : this;

        public Node Child(string name, Kind whenNew)
        {
            if (!Children.TryGetValue(name, out var child))
                Children.Add(name, child = new(whenNew));
            return child;
        }

        public bool TryExtend()
        {
            if (Kind == Kind.Implied)
                Kind = Kind.Dotted;
            return Kind == Kind.Dotted;
        }

        public bool TryAppend()
        {
            if (Kind != Kind.Array)
                return false;
            _element = new(Kind.Header);
            return true;
        }

        public bool TryDefine()
        {
            if (Kind != Kind.Implied)
                return false;
            Kind = Kind.Header;
            return true;
        }
    }
}
