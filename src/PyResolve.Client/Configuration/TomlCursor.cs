namespace PyResolve.Client;

internal sealed class TomlCursor(string path, string text)
{
    public int Position { get; private set; }

    public int Line { get; private set; } = 1;

    public int LineStart { get; private set; }

    public bool IsAtEnd => Position >= text.Length;

    /// <summary>The character at the position plus <paramref name="ahead"/>, or NUL past the end: TOML allows no NUL.</summary>
    public char Peek(int ahead = 0) => Position + ahead < text.Length ? text[Position + ahead] : '\0';

    public char Next()
    {
        var c = Peek();
        if (!IsAtEnd)
            Position++;
        return c;
    }

    public void Skip(int characters) => Position += characters;

    public bool TryConsume(string expected)
    {
        if (string.CompareOrdinal(text, Position, expected, 0, expected.Length) != 0)
            return false;
        Position += expected.Length;
        return true;
    }

    public void Expect(char expected)
    {
        if (Peek() != expected)
            throw Error($"'{expected}' was expected here.");
        Position++;
    }

    public string TakeWhile(Func<char, bool> isPart)
    {
        var start = Position;
        while (!IsAtEnd && isPart(text[Position]))
            Position++;
        return text.Substring(start, Position - start);
    }

    public void SkipByteOrderMark() => TryConsume("\uFEFF");

    public void SkipWhitespace()
    {
        while (Peek() is ' ' or '\t')
            Position++;
    }

    public void SkipComment()
    {
        if (Peek() != '#')
            return;
        while (!IsAtEnd && Peek() != '\n' && !(Peek() == '\r' && Peek(1) == '\n'))
        {
            if (IsForbidden(Peek()))
                throw Error("a comment has a control character.");
            Position++;
        }
    }

    public bool TryNewLine()
    {
        if (!TryConsume("\n") && !TryConsume("\r\n"))
            return false;
        Line++;
        LineStart = Position;
        return true;
    }

    public void ExpectLineEnd()
    {
        SkipWhitespace();
        SkipComment();
        if (!IsAtEnd && !TryNewLine())
            throw Error("the line should end here.");
    }

    public static bool IsForbidden(char c) => c is (< ' ' and not '\t') or '\u007F';

    public ConfigFileException Error(string cause) => new(path, Line, cause, "Fix the line, or remove the file and log in again.");
}
