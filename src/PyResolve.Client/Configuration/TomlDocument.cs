namespace PyResolve.Client;

/// <summary>The keys and tables outside arrays of tables, in order. A new top-level key goes to <paramref name="RootEnd"/>.</summary>
internal sealed record TomlDocument(IReadOnlyList<TomlEntry> Entries, IReadOnlyList<TomlTable> Tables, int RootEnd);

/// <summary>A table with a header. A new key goes to <paramref name="End"/>: after its last key or, if it has none, its header.</summary>
internal sealed record TomlTable(IReadOnlyList<string> Path, int End);

/// <summary>A key, and its value if it is a string. Lines count from 1; <paramref name="LineEnd"/> is where the next line starts.</summary>
internal sealed record TomlEntry(
    IReadOnlyList<string> Path, string? Text, int Line, int LineStart, int LineEnd, int ValueStart, int ValueEnd);
