namespace PyResolve.Client;

/// <summary>The keys and tables of a TOML text, and their positions in it.</summary>
/// <param name="Entries">Every key with a value outside arrays of tables and inline tables, in order.</param>
/// <param name="Tables">Every table with a header of its own outside arrays of tables, in order.</param>
/// <param name="RootEnd">Where a new top-level key goes: the start of a line, or the end of the text.</param>
internal sealed record TomlDocument(IReadOnlyList<TomlEntry> Entries, IReadOnlyList<TomlTable> Tables, int RootEnd);

/// <summary>A table with a header.</summary>
/// <param name="Path">The names of its header.</param>
/// <param name="End">Where a new key of it goes: after its last key or, if there is none, after its header.</param>
internal sealed record TomlTable(IReadOnlyList<string> Path, int End);

/// <summary>A key with its value.</summary>
/// <param name="Path">The table's names, then the key's.</param>
/// <param name="Text">The value, if it is a string.</param>
/// <param name="Line">From 1.</param>
/// <param name="LineStart">Where its first line starts.</param>
/// <param name="LineEnd">Where the line after it starts.</param>
/// <param name="ValueStart">Where the value starts.</param>
/// <param name="ValueEnd">Where the text after the value starts.</param>
internal sealed record TomlEntry(
    IReadOnlyList<string> Path, string? Text, int Line, int LineStart, int LineEnd, int ValueStart, int ValueEnd);
