using FsCheck;
using FsCheck.Fluent;

namespace PyResolve.Client.Tests.Toml;

/// <summary>Random texts by the grammar of TOML 1.1. Keys repeat, so that a part of them is invalid.</summary>
internal static class TomlTexts
{
    private static readonly Gen<string> Blank = Gen.Elements("", "", " ", "\t ");
    private static readonly Gen<string> NewLine = Gen.Elements("\n", "\n", "\r\n");
    private static readonly Gen<string> Comment = Gen.Elements("", "", "# a comment", "#\"quotes' = [ and # more", "# é 😀\t");

    private static readonly Gen<string> LineEnd =
        from blank in Blank
        from comment in Comment
        from newLine in NewLine
        select blank + comment + newLine;

    /// <summary>Between the elements of arrays and inline tables.</summary>
    private static readonly Gen<string> Gap =
        Gen.OneOf(Blank, from first in LineEnd from second in Gen.OneOf(Blank, LineEnd) select first + second);

    private static readonly Gen<string> Scalar = Gen.Elements(
        "true", "false", "0", "+1", "-17", "1_000", "0xDEAD_beef", "0o755", "0b1010", "1.5", "-0.5e+10", "6_0.1E-3", "inf", "-nan",
        "1979-05-27", "2024-02-29", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.999-07:00", "1979-05-27t07:32", "1979-05-27 07:32+01:30",
        "07:32", "23:59:59.5");

    private static readonly Gen<string> NotValues = Gen.Elements(
        "01", "1__0", "_1", "1_", "+0x1", "1.", ".5", "1e", "True", "infinity", "yes", "",
        "1979-02-29", "1979-02-30", "1900-02-29", "1979-04-31", "1979-13-01", "1979-5-27", "1979-05-27T",
        "07:60", "24:00", "7:32", "07:32:61", "07:32Z",
        "\"\\q\"", "\"\\x4\"", "\"\\u00E\"", "\"\\uD800\"", "\"open", "'''open");

    private static readonly Gen<string> AnyCharacters = Gen.Elements("a", "Z", " ", "é", "😀", "#", "=", "[x]", "0", "\t", ",", "}");

    private static readonly Gen<string> Escapes = Gen.Elements(
        "\\\\", "\\\"", "\\n", "\\t", "\\r", "\\b", "\\f", "\\e", "\\x41", "\\xe9", "\\u00E9", "\\U0001F600", "\\u0000");

    private static readonly Gen<string> Strings = Gen.OneOf(
        Joined(Gen.OneOf(AnyCharacters, Escapes, Gen.Constant("'"))).Select(static text => $"\"{text}\""),
        Joined(Gen.OneOf(AnyCharacters, Gen.Constant("\\"), Gen.Constant("\""))).Select(static text => $"'{text}'"),
        Joined(Gen.OneOf(AnyCharacters, Escapes, NewLine, Gen.Elements("\" ", "\"\" ", "\\\n", "\\\n  \n")))
            .Select(static text => $"\"\"\"{text}\"\"\""),
        Joined(Gen.OneOf(AnyCharacters, NewLine, Gen.Elements("\\", "' ", "'' "))).Select(static text => $"'''{text}'''"));

    private static readonly Gen<string> Name = Gen.OneOf(
        Gen.Elements("a", "b", "c-d", "1", "_", "\"a\"", "'b'", "\"é \\t\"", "''", "\"x.y\""),
        Gen.Choose(0, 99).Select(static number => $"k{number}"));

    private static readonly Gen<string> Key =
        Gen.OneOf(Name, Name, from first in Name from blank in Blank from second in Name select $"{first}.{blank}{second}");

    /// <summary>Other names than those of keys: Tomlyn lets some headers reopen the table of a dotted key, which TOML forbids.</summary>
    private static readonly Gen<string> HeaderName =
        Gen.OneOf(Gen.Elements("t", "u", "\"t\"", "v-1"), Gen.Choose(0, 99).Select(static number => $"t{number}"));

    /// <summary>Arrays of tables have no tables below them: Tomlyn mistakes those that come after other tables.</summary>
    private static readonly Gen<string> Header = Gen.Frequency(
        (3, from names in HeaderName.NonEmptyListOf() select $"[ {string.Join(".", names.Take(3))}\t]"),
        (1, from name in Gen.Elements("p", "'q'", "a", "r", "s") select $"[[{name}]]"));

    private static readonly Gen<string> Entry = from key in Key from value in Value(2) select $"{key} = {value}";

    /// <summary>A whole text.</summary>
    public static readonly Gen<string> Documents =
        from mark in Gen.Frequency((9, Gen.Constant("")), (1, Gen.Constant("\uFEFF")))
        from lines in Line(Gen.Frequency((4, Entry), (2, Header), (1, Gen.Constant("")))).ListOf()
        select mark + string.Concat(lines);

    /// <summary>A text with one line that no TOML has.</summary>
    public static readonly Gen<string> Invalid =
        from before in Line(Gen.Constant("")).ListOf()
        from line in Gen.OneOf(
            NotValues.Select(static value => $"k = {value}"),
            NotValues.Where(static value => value != "").Select(static value => $"k = [1, {value}]"),
            NotValues.Select(static value => $"k = {{ x = {value} }}"),
            Gen.Elements("[k", "[[k]", "[k]]", "[]", "[k.]", "k", "= 1", "k. = 1", ".k = 1", "é = 1", "k = 1 k = 2", "k = 1\rx = 2"),
            Gen.Elements("k = {,}", "k = [,]", "k = { a = 1 b = 2 }", "k = { a\n= 1 }", "k = 1 \u0001", "# \u007F"))
        select string.Concat(before) + line + "\n";

    private static Gen<string> Line(Gen<string> statement) =>
        from blank in Blank
        from text in statement
        from end in LineEnd
        select blank + text + end;

    private static Gen<string> Value(int depth) => depth == 0
        ? Gen.OneOf(Scalar, Strings)
        : Gen.Frequency((3, Scalar), (4, Strings), (1, Array(Value(depth - 1))), (1, InlineTable(Value(depth - 1))));

    private static Gen<string> Array(Gen<string> value) =>
        from elements in Padded(value).ListOf()
        from comma in Gen.Elements("", ",")
        from gap in Gap
        select $"[{string.Join(",", elements)}{(elements.Count > 0 ? comma : "")}{gap}]";

    private static Gen<string> InlineTable(Gen<string> value) =>
        from elements in Padded(from key in Name from text in value select $"{key} = {text}").ListOf()
        from comma in Gen.Elements("", ",")
        from gap in Gap
        select $"{{{string.Join(",", elements)}{(elements.Count > 0 ? comma : "")}{gap}}}";

    private static Gen<string> Padded(Gen<string> element) =>
        from before in Gap
        from text in element
        from after in Gap
        select before + text + after;

    private static Gen<string> Joined(Gen<string> piece) => piece.ListOf().Select(string.Concat);
}
