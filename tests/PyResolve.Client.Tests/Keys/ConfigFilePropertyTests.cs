using FsCheck;
using FsCheck.Fluent;

namespace PyResolve.Client.Tests.Keys;

public sealed class ConfigFilePropertyTests
{
    private static readonly Gen<string> Pieces =
        Gen.Elements("a", "=", "\"", "'", "[", "]", "{", "}", ",", ".", "#", "\n", "\r", " ", "1", "-", ":", "\\", "\"\"\"", "'''", "é");

    private static readonly Gen<string> RootLine = Gen.Elements(
        "# a comment", "", "   ", "width = 80", "title = \"x # no comment\"", "a.b.c = 'dotted'", "list = [\n  1, # one\n  2,\n]",
        "poem = '''\n[roses]\nred'''", "api_url = \"http://localhost\"");

    private static readonly Gen<string> TableLine =
        Gen.Elements("# inside", "", "api_key = \"not the root's\"", "x = 1979-05-27", "y = { z = 1 }");

    /// <summary>The lines of a file with unique keys: top-level keys, then tables.</summary>
    private static readonly Gen<string[]> Documents =
        from root in RootLine.ListOf()
        from hasKey in Gen.Elements(true, false)
        from tables in TableLine.ListOf().ListOf()
        from spot in Gen.Choose(0, root.Count)
        let rootLines = hasKey ? root.Take(spot).Append("api_key = \"old\" # mine").Concat(root.Skip(spot)) : root
        let tableLines = tables.SelectMany((lines, i) => Unique(lines).Prepend($"[table{i}]"))
        select Unique(rootLines).Concat(tableLines).ToArray();

    private static readonly Gen<string> Values = ArbMap.Default.GeneratorFor<NonNull<string>>()
        .Select(static text => new string([.. text.Get.Where(static c => !char.IsSurrogate(c))]));

    [Fact]
    public void A_set_value_is_read_back_and_every_other_line_stays() =>
        Prop.ForAll(Documents.ToArbitrary(), Values.ToArbitrary(), Gen.Elements("\n", "\r\n").ToArbitrary(), (lines, value, newLine) =>
        {
            var before = string.Concat(lines.Select(line => line.Replace("\n", newLine) + newLine));

            var after = ConfigFile.Parse("config.toml", before).Set("api_key", value);

            return after.String("api_key") == value
                && Others(after.Text, newLine).SequenceEqual(Others(before, newLine))
                && after.Text.Split(newLine).Count(line => line.StartsWith("api_key", StringComparison.Ordinal))
                    == before.Split(newLine).Count(line => line.StartsWith("api_key", StringComparison.Ordinal))
                        + (before.Contains("# mine") ? 0 : 1);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Setting_then_removing_gives_a_file_without_a_key_its_text_back() =>
        Prop.ForAll(Documents.ToArbitrary(), lines =>
        {
            var before = string.Concat(lines.Where(static line => !line.Contains("# mine")).Select(static line => line + "\n"));

            return ConfigFile.Parse("config.toml", before).Set("api_key", "new").Remove("api_key").Text == before;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_gives_a_file_or_its_exception() =>
        Prop.ForAll(Pieces.ListOf().ToArbitrary(), pieces =>
        {
            var text = string.Concat(pieces);
            try
            {
                return ConfigFile.Parse("config.toml", text).Text == text;
            }
            catch (ConfigFileException exception)
            {
                return exception.Line >= 1;
            }
        }).QuickCheckThrowOnFailure();

    private static IEnumerable<string> Others(string text, string newLine) =>
        text.Split(newLine).Where(static line => line != "" && !line.StartsWith("api_key", StringComparison.Ordinal));

    private static string[] Unique(IEnumerable<string> lines)
    {
        var seen = new HashSet<string>();
        return [.. lines.Where(line => line.Trim().Length == 0 || line[0] == '#' || seen.Add(line.Split(' ', '.')[0]))];
    }
}
