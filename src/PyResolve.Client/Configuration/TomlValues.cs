using System.Text.RegularExpressions;

namespace PyResolve.Client;

/// <summary>Reads any TOML value. Of scalars only strings are kept.</summary>
internal sealed partial class TomlValues(TomlCursor cursor, Func<IReadOnlyList<string>> readDottedKey)
{
    private const int DeepestNesting = 64;

    private const string Date =
        """
        ( \d{4}-(0[13578]|1[02])-(0[1-9]|[12]\d|3[01])
        | \d{4}-(0[469]|11)-(0[1-9]|[12]\d|30)
        | \d{4}-02-(0[1-9]|1\d|2[0-8])
        | (\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29 )
        """;

    private const string Time = @"([01]\d|2[0-3]):[0-5]\d(:([0-5]\d|60)(\.\d+)?)?";

    private const string ScalarPattern =
        $$"""
        \A( true|false
        | [+-]?(inf|nan)
        | 0x[0-9A-Fa-f](_?[0-9A-Fa-f])*|0o[0-7](_?[0-7])*|0b[01](_?[01])*
        | [+-]?(0|[1-9](_?[0-9])*)(\.[0-9](_?[0-9])*)?([eE][+-]?[0-9](_?[0-9])*)?
        | {{Date}} ([Tt\ ]{{Time}}([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)?)?
        | {{Time}} )\z
        """;

    private const RegexOptions ScalarOptions =
        RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;

#if NET
    [GeneratedRegex(ScalarPattern, ScalarOptions, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Scalar();
#else
    // Created for the first value that is not a string; our own files have strings only.
    private static readonly Lazy<Regex> CreatedScalar = new(static () => new(ScalarPattern, ScalarOptions, TimeSpan.FromSeconds(1)));

    private static Regex Scalar() => CreatedScalar.Value;
#endif

    public TomlNode Read() => Read(depth: 0);

    private TomlNode Read(int depth)
    {
        if (depth > DeepestNesting)
            throw cursor.Error("values are nested too deeply.");
        var (start, line) = (cursor.Position, cursor.Line);
        var value = cursor.Peek() switch
        {
            '"' or '\'' => new(TomlKind.Scalar, line) { Text = TomlStrings.Read(cursor) },
            '[' => ReadArray(depth, line),
            '{' => ReadInlineTable(depth, line),
            _ => ReadScalar(line),
        };
        value.Value = new(start, cursor.Position);
        return value;
    }

    private TomlNode ReadScalar(int line)
    {
        var scalar = cursor.TakeWhile(IsScalarCharacter);
        // A date and its time may be separated by one space.
        if (scalar.Length == 10 && scalar[4] == '-' && cursor.Peek() == ' ' && char.IsDigit(cursor.Peek(1)))
        {
            cursor.Skip(1);
            scalar += " " + cursor.TakeWhile(IsScalarCharacter);
        }

        if (!Scalar().IsMatch(scalar))
            throw cursor.Error(scalar.Length == 0 ? "a value was expected here." : "that is not a TOML value; text must be in quotes.");
        return new(TomlKind.Scalar, line);
    }

    private TomlNode ReadArray(int depth, int line)
    {
        var array = new TomlNode(TomlKind.Array, line);
        cursor.Expect('[');
        SkipToElement();
        while (!cursor.TryConsume("]"))
        {
            array.AddElement(Read(depth + 1));
            SkipToElement();
            if (cursor.TryConsume(","))
                SkipToElement();
            else if (cursor.Peek() != ']')
                throw cursor.Error("the array needs a comma or its closing ].");
        }

        return array;
    }

    private TomlNode ReadInlineTable(int depth, int line)
    {
        var table = new TomlNode(TomlKind.InlineTable, line);
        cursor.Expect('{');
        table.InsertAt = cursor.Position;
        var comma = -1;
        SkipToElement();
        while (!cursor.TryConsume("}"))
        {
            var start = cursor.Position;
            var hasLineBreak = comma >= 0 && cursor.LineStart > comma;
            var member = ReadMember(table, depth);
            var end = cursor.Position;
            SkipToElement();
            if (cursor.TryConsume(","))
            {
                comma = cursor.Position - 1;
                cursor.SkipWhitespace();
                member.Removal = new(start, cursor.Position);
                SkipToElement();
                continue;
            }

            // A comma before a line break stays: there may be a comment after it.
            member.Removal = new(comma >= 0 && !hasLineBreak ? comma : start, end);
            if (cursor.Peek() != '}')
                throw cursor.Error("the inline table needs a comma or its closing }.");
        }

        return table;
    }

    private TomlNode ReadMember(TomlNode table, int depth)
    {
        var key = readDottedKey();
        var tables = table.TryExtend(key, cursor.Line) ?? throw cursor.Error("the inline table sets a key twice.");
        cursor.SkipWhitespace();
        cursor.Expect('=');
        cursor.SkipWhitespace();
        var member = Read(depth + 1);
        tables[tables.Count - 1].Add(key[key.Count - 1], member);
        foreach (var owner in tables)
            owner.InsertAt = cursor.Position;
        return member;
    }

    private void SkipToElement()
    {
        do
        {
            cursor.SkipWhitespace();
            cursor.SkipComment();
        }
        while (cursor.TryNewLine());
    }

    private static bool IsScalarCharacter(char c) => TomlText.IsBareCharacter(c) || c is '+' or '.' or ':';
}
