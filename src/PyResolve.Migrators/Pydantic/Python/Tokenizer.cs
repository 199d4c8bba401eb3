namespace PyResolve.Migrators.Pydantic.Python;

/// <summary>
/// Splits Python into names, numbers, strings and operators, and joins lines that brackets or backslashes continue.
/// The expressions in f-strings are code, and become tokens too.
/// </summary>
internal sealed class Tokenizer(string text)
{
    private readonly List<Token> _tokens = [];
    private readonly List<LogicalLine> _lines = [];
    private readonly List<(int Start, int End)> _comments = [];
    private readonly Dictionary<int, int> _partners = [];
    private readonly Stack<int> _open = [];
    private int _position;
    private int _lineFirst;

    public static PythonSource Read(string text)
    {
        var tokenizer = new Tokenizer(text);
        tokenizer.ReadCode(closingBrace: false);
        tokenizer.EndLine();
        if (tokenizer._open.Count > 0)
            throw new PythonSyntaxException("a bracket is never closed");
        return new PythonSource(text, tokenizer._tokens, tokenizer._lines, tokenizer._comments, tokenizer._partners);
    }

    private char Current => _position < text.Length ? text[_position] : '\0';

    private char Next => _position + 1 < text.Length ? text[_position + 1] : '\0';

    /// <summary>Reads to the end, or, in an f-string, to the end of an expression: its brace, colon or conversion.</summary>
    private void ReadCode(bool closingBrace)
    {
        var depth = _open.Count;
        while (_position < text.Length)
        {
            if (closingBrace && _open.Count == depth && (Current is '}' or ':' || (Current == '!' && Next != '=')))
                return;
            ReadToken();
        }
    }

    private void ReadToken()
    {
        var c = Current;
        if (c == '\n')
        {
            if (_open.Count == 0)
                EndLine();
            _position++;
        }
        else if (c == '#')
        {
            var start = _position;
            while (_position < text.Length && Current != '\n')
                _position++;
            _comments.Add((start, _position));
        }
        else if (c is ' ' or '\t' or '\r' or '\f' or '\\' or '\uFEFF')
            _position++;
        else if (StringPrefix() is { } prefix)
            ReadString(prefix);
        else if (char.IsLetter(c) || c == '_')
            Take(TokenKind.Name, static c => char.IsLetterOrDigit(c) || c == '_' || char.IsSurrogate(c));
        else if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(Next)))
            Take(TokenKind.Number, static c => char.IsLetterOrDigit(c) || c is '.' or '_');
        else
            ReadOperator(c);
    }

    private void Take(TokenKind kind, Func<char, bool> belongs)
    {
        var start = _position;
        while (_position < text.Length && belongs(Current))
            _position++;
        Add(kind, start);
    }

    private void ReadOperator(char c)
    {
        var start = _position;
        _position += IsPair(c, Next) ? 2 : 1;
        Add(TokenKind.Operator, start);
        if (c is '(' or '[' or '{')
            _open.Push(_tokens.Count - 1);
        else if (c is ')' or ']' or '}')
        {
            if (!_open.TryPop(out var open))
                throw new PythonSyntaxException("a bracket is closed that was never opened");
            _partners[open] = _tokens.Count - 1;
            _partners[_tokens.Count - 1] = open;
        }
    }

    private static bool IsPair(char first, char second) => second switch
    {
        '=' => first is '=' or '!' or '<' or '>' or '+' or '-' or '*' or '/' or '%' or '&' or '|' or '^' or ':' or '@',
        '>' when first == '-' => true,
        _ => first == second && first is ('*' or '/' or '<' or '>'),
    };

    /// <summary>The prefix of a string (<c>rb</c>, <c>f</c>, or empty); null if no string starts here.</summary>
    private string? StringPrefix()
    {
        var end = _position;
        while (end < text.Length && end - _position < 3 && text[end] is 'r' or 'R' or 'b' or 'B' or 'u' or 'U' or 'f' or 'F' or 't' or 'T')
            end++;
        return end < text.Length && text[end] is '"' or '\'' ? text[_position..end] : null;
    }

    private void ReadString(string prefix)
    {
        var start = _position;
        _position += prefix.Length;
        var quote = Current;
        var isTriple = Next == quote && _position + 2 < text.Length && text[_position + 2] == quote;
        _position += isTriple ? 3 : 1;
        var isFormatted = prefix.AsSpan().ContainsAny("fFtT");
        ReadStringBody(start, quote, isTriple, isFormatted, isSpecification: false);
    }

    private void ReadStringBody(int start, char quote, bool isTriple, bool isFormatted, bool isSpecification)
    {
        while (_position < text.Length)
        {
            var c = Current;
            if (c == '\\')
                _position += 2;
            else if (c == '\n' && !isTriple)
                throw new PythonSyntaxException("a string is not closed on its line");
            else if (!isSpecification && c == quote && (!isTriple
                || (Next == quote && _position + 2 < text.Length && text[_position + 2] == quote)))
            {
                _position += isTriple ? 3 : 1;
                Add(TokenKind.String, start);
                return;
            }
            else if (isSpecification && c == '}')
            {
                Add(TokenKind.String, start);
                return;
            }
            else if (isFormatted && c == '{' && Next == '{' && !isSpecification)
                _position += 2;
            else if (isFormatted && c == '{')
            {
                Add(TokenKind.String, start);
                ReadReplacementField(quote, isTriple);
                start = _position;
            }
            else
                _position++;
        }
        throw new PythonSyntaxException("a string is never closed");
    }

    private void ReadReplacementField(char quote, bool isTriple)
    {
        ReadOperator('{');
        ReadCode(closingBrace: true);
        if (Current == '!')
        {
            ReadOperator('!');
            ReadCode(closingBrace: true);
        }
        if (Current == ':')
        {
            ReadOperator(':');
            ReadStringBody(_position, quote, isTriple, isFormatted: true, isSpecification: true);
        }
        if (Current != '}')
            throw new PythonSyntaxException("a brace in an f-string is never closed");
        ReadOperator('}');
    }

    private void Add(TokenKind kind, int start)
    {
        _position = Math.Min(_position, text.Length);
        if (_position > start)
            _tokens.Add(new Token(kind, start, _position, text[start.._position]));
    }

    private void EndLine()
    {
        if (_tokens.Count > _lineFirst)
        {
            var first = _tokens[_lineFirst].Start;
            var lineStart = first == 0 ? 0 : text.LastIndexOf('\n', first - 1) + 1;
            var indent = text.AsSpan(lineStart, first - lineStart).TrimStart('\uFEFF').Length;
            _lines.Add(new LogicalLine(_lineFirst, _tokens.Count, indent));
        }
        _lineFirst = _tokens.Count;
    }
}
