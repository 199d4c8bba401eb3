using System.Globalization;
using System.Text;

namespace PyResolve.Client;

internal static class TomlStrings
{
    public static string Read(TomlCursor cursor)
    {
        if (cursor.TryConsume("\"\"\""))
            return ReadMultiline(cursor, '"', hasEscapes: true);
        if (cursor.TryConsume("'''"))
            return ReadMultiline(cursor, '\'', hasEscapes: false);
        return cursor.Peek() == '"' ? ReadBasic(cursor) : ReadLiteral(cursor);
    }

    public static string ReadBasic(TomlCursor cursor) => ReadLine(cursor, '"', hasEscapes: true);

    public static string ReadLiteral(TomlCursor cursor) => ReadLine(cursor, '\'', hasEscapes: false);

    private static string ReadLine(TomlCursor cursor, char quote, bool hasEscapes)
    {
        cursor.Expect(quote);
        var value = new StringBuilder();
        while (cursor.Peek() != quote)
        {
            if (cursor.IsAtEnd || TomlCursor.IsForbidden(cursor.Peek()))
                throw cursor.Error($"the string needs its closing {quote} on the same line.");
            if (hasEscapes && cursor.TryConsume("\\"))
                ReadEscape(cursor, value);
            else
                value.Append(cursor.Next());
        }

        cursor.Next();
        return value.ToString();
    }

    private static string ReadMultiline(TomlCursor cursor, char quote, bool hasEscapes)
    {
        var value = new StringBuilder();
        cursor.TryNewLine();
        while (true)
        {
            if (QuotesHere(cursor, quote) is >= 3 and var quotes)
            {
                // Up to two quotes may stand directly before the closing three.
                value.Append(quote, quotes - 3);
                cursor.Skip(quotes);
                return value.ToString();
            }

            if (cursor.TryNewLine())
                value.Append('\n');
            else if (cursor.IsAtEnd || TomlCursor.IsForbidden(cursor.Peek()))
                throw cursor.Error($"the string needs its closing {new string(quote, 3)}.");
            else if (hasEscapes && cursor.TryConsume("\\"))
                ReadEscapeOrLineBreak(cursor, value);
            else
                value.Append(cursor.Next());
        }
    }

    private static int QuotesHere(TomlCursor cursor, char quote)
    {
        var count = 0;
        while (count < 5 && cursor.Peek(count) == quote)
            count++;
        return count;
    }

    private static void ReadEscapeOrLineBreak(TomlCursor cursor, StringBuilder value)
    {
        if (cursor.Peek() is not (' ' or '\t' or '\r' or '\n'))
        {
            ReadEscape(cursor, value);
            return;
        }

        cursor.SkipWhitespace();
        if (!cursor.TryNewLine())
            throw cursor.Error("a \\ must be followed by an escape or the line's end.");
        do
            cursor.SkipWhitespace();
        while (cursor.TryNewLine());
    }

    private static void ReadEscape(TomlCursor cursor, StringBuilder value)
    {
        var escape = cursor.Next();
        _ = escape switch
        {
            'b' => value.Append('\b'),
            't' => value.Append('\t'),
            'n' => value.Append('\n'),
            'f' => value.Append('\f'),
            'r' => value.Append('\r'),
            'e' => value.Append('\u001B'),
            '"' => value.Append('"'),
            '\\' => value.Append('\\'),
            'x' => value.Append(ReadScalar(cursor, 2)),
            'u' => value.Append(ReadScalar(cursor, 4)),
            'U' => value.Append(ReadScalar(cursor, 8)),
            _ => throw cursor.Error("there is no such escape. In 'single quotes' a \\ stands for itself."),
        };
    }

    private static string ReadScalar(TomlCursor cursor, int digits)
    {
        var hex = new StringBuilder();
        while (hex.Length < digits && Uri.IsHexDigit(cursor.Peek()))
            hex.Append(cursor.Next());
        return hex.Length == digits
            && uint.Parse(hex.ToString(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) is var scalar
            && scalar is < 0xD800 or (> 0xDFFF and <= 0x10FFFF)
            ? char.ConvertFromUtf32((int)scalar)
            : throw cursor.Error($"the escape needs {digits} hexadecimal digits of a Unicode character.");
    }
}
