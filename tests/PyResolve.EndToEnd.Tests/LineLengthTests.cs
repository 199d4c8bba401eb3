using System.Globalization;
using System.Text.RegularExpressions;

namespace PyResolve.EndToEnd.Tests;

/// <summary>
/// C# lines keep <c>max_line_length</c> of <c>.editorconfig</c>. Excepted are addresses, and in tests the content of raw strings: lines
/// inside a raw string of several lines, and lines that are nothing but a raw string.
/// </summary>
public sealed partial class LineLengthTests
{
    private static readonly int Limit = int.Parse(
        MaxLineLength().Match(File.ReadAllText(Repository.PathOf(".editorconfig"))).Groups["limit"].Value, CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    public void No_line_is_longer_than_the_limit(string folder)
    {
        var files = SourceFiles(Repository.PathOf(folder)).Order(StringComparer.Ordinal).ToList();
        files.Count.ShouldBeGreaterThan(50);

        var tooLong =
            from file in files
            from line in LinesOverLimit(File.ReadAllLines(file), isRawStringData: folder == "tests")
            select $"{Path.GetRelativePath(Repository.Root, file)}:{line.Number} has {line.Length} characters";

        string.Join('\n', tooLong).ShouldBeEmpty();
    }

    [Fact]
    public void Long_code_is_found_and_long_data_is_not()
    {
        var longText = new string('x', Limit);
        string[] lines =
        [
            $"var a = {longText};",
            "var b = $\"\"\"",
            longText + "longer",
            "    \"\"\";",
            $"// https://example.com/{longText}",
            $"var c = \"\"\"{longText}\"\"\";",
            $"    $$\"\"\"{longText}\"\"\",",
            longText,
        ];

        LinesOverLimit(lines, isRawStringData: true).Select(line => line.Number).ShouldBe([1, 6]);
        LinesOverLimit(lines, isRawStringData: false).Select(line => line.Number).ShouldBe([1, 3, 6, 7]);
    }

    private static IEnumerable<(int Number, int Length)> LinesOverLimit(string[] lines, bool isRawStringData)
    {
        var isInside = false;
        for (var i = 0; i < lines.Length; i++)
        {
            // A raw string of several lines opens at the end of a line and closes at the start of one.
            if (isInside && lines[i].TrimStart().StartsWith("\"\"\"", StringComparison.Ordinal))
                isInside = false;
            else if (!isInside && lines[i].EndsWith("\"\"\"", StringComparison.Ordinal))
                isInside = lines[i].Split("\"\"\"").Length % 2 == 0;

            var isData = isRawStringData && (isInside || RawString().IsMatch(lines[i]));
            if (!isData && Address().Replace(lines[i], "").Length > Limit)
                yield return (i + 1, lines[i].Length);
        }
    }

    private static IEnumerable<string> SourceFiles(string folder) => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
        .Where(file => !Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));

    [GeneratedRegex(@"^max_line_length = (?<limit>\d+)$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex MaxLineLength();

    [GeneratedRegex("""^\s*\$*\"{3}.*\"{3}[),;]*$""", RegexOptions.None, 1000)]
    private static partial Regex RawString();

    [GeneratedRegex(@"https?://\S+", RegexOptions.None, 1000)]
    private static partial Regex Address();
}
