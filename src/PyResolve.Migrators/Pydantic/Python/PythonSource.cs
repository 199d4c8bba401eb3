namespace PyResolve.Migrators.Pydantic.Python;

/// <summary>A Python file with its tokens and logical lines.</summary>
internal sealed class PythonSource(
    string text,
    List<Token> tokens,
    List<LogicalLine> lines,
    List<(int Start, int End)> comments,
    Dictionary<int, int> partners)
{
    public string Text => text;

    public IReadOnlyList<Token> Tokens => tokens;

    public IReadOnlyList<LogicalLine> Lines => lines;

    public string NewLine { get; } = text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";

    /// <summary>The token of the matching bracket.</summary>
    public int Partner(int token) => partners[token];

    public bool IsAt(int token, string expected) => token >= 0 && token < tokens.Count && tokens[token].Is(expected);

    public bool IsName(int token) => token >= 0 && token < tokens.Count && tokens[token].Kind == TokenKind.Name;

    public int LineNumber(int offset) => text.AsSpan(0, offset).Count('\n') + 1;

    public bool HasComment(int start, int end) => comments.Exists(c => c.Start < end && c.End > start);

    /// <summary>The indentation of the line at this offset.</summary>
    public string Indentation(int offset)
    {
        var start = offset == 0 ? 0 : text.LastIndexOf('\n', offset - 1) + 1;
        var end = start;
        while (end < text.Length && text[end] is ' ' or '\t')
            end++;
        return text[start..end];
    }

    /// <summary>The first line after the indented body of the <c>class</c> or <c>def</c> at <paramref name="line"/>.</summary>
    public int BodyEnd(int line)
    {
        var end = line + 1;
        while (end < lines.Count && lines[end].Indent > lines[line].Indent)
            end++;
        return end;
    }

    public string Slice(int firstToken, int endToken) =>
        firstToken >= endToken ? "" : text[tokens[firstToken].Start..tokens[endToken - 1].End];

    /// <summary>The arguments, or elements, inside the brackets that start at <paramref name="open"/>, as ranges of tokens.</summary>
    public List<(int First, int End)> Elements(int open)
    {
        var elements = new List<(int, int)>();
        var close = Partner(open);
        var first = open + 1;
        for (var i = open + 1; i <= close; i++)
        {
            if (i == close || tokens[i].Is(","))
            {
                if (i > first)
                    elements.Add((first, i));
                first = i + 1;
            }
            else if (tokens[i].Kind == TokenKind.Operator && tokens[i].Text is "(" or "[" or "{")
                i = Partner(i);
        }
        return elements;
    }
}
