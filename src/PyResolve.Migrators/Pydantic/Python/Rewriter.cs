using System.Text;

namespace PyResolve.Migrators.Pydantic.Python;

/// <summary>Collects the edits to one file, with descriptions, and what was left alone.</summary>
internal sealed class Rewriter(PythonSource source)
{
    private readonly List<(int Start, int End, string Text)> _edits = [];
    private readonly List<string> _changes = [];
    private readonly SortedSet<(int Line, string Reason)> _leftAlone = [];

    public PythonSource Source => source;

    public IReadOnlyList<string> Changes => _changes;

    public IReadOnlyCollection<(int Line, string Reason)> LeftAlone => _leftAlone;

    /// <summary>Names that the rewritten code must import from pydantic, and names that it no longer uses.</summary>
    public SortedSet<string> Wanted { get; } = new(StringComparer.Ordinal);

    public void Replace(Token token, string replacement) => Replace(token.Start, token.End, replacement);

    public void Replace(int start, int end, string replacement) => _edits.Add((start, end, replacement));

    public void Insert(int offset, string insertion) => _edits.Add((offset, offset, insertion));

    /// <param name="what">The old name or construct.</param>
    public void Changed(string what) => _changes.Add(what);

    public void Leave(Token at, string reason) => _leftAlone.Add((source.LineNumber(at.Start), reason));

    public string Apply()
    {
        var result = new StringBuilder(source.Text.Length + 256);
        var position = 0;
        foreach (var (start, end, text) in _edits.OrderBy(e => e.Start).ThenBy(e => e.End))
        {
            result.Append(source.Text, position, start - position).Append(text);
            position = end;
        }
        return result.Append(source.Text, position, source.Text.Length - position).ToString();
    }
}
