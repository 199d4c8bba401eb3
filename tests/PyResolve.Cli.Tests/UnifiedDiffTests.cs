using System.Text;
using FsCheck;
using FsCheck.Fluent;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class UnifiedDiffTests
{
    private static readonly Gen<string[]> Texts =
        Gen.Elements("a\n", "b\n", "c\n", "d\n").ArrayOf().Select(static lines => lines.Take(60).ToArray());

    [Fact]
    public void The_lines_of_a_diff_are_those_of_both_texts()
    {
        Prop.ForAll(Texts.Zip(Texts).ToArbitrary(), static pair =>
        {
            var lines = LineDiff.Compare(pair.Item1, pair.Item2);
            return lines.Where(static line => line.Kind != '+').Select(static line => line.Text).SequenceEqual(pair.Item1)
                && lines.Where(static line => line.Kind != '-').Select(static line => line.Text).SequenceEqual(pair.Item2);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_changed_line_among_many_is_two_lines()
    {
        string[] before = [.. Enumerable.Range(0, 50_000).Select(static i => $"{i}\n")];
        string[] after = [.. before];
        (after[10], after[40_000]) = ("x\n", "y\n");

        LineDiff.Compare(before, after).Count(static line => line.Kind != ' ').ShouldBe(4);
    }

    [Fact]
    public void Texts_that_have_nothing_in_common_take_no_more_memory_than_they_have_lines()
    {
        string[] before = [.. Enumerable.Range(0, 20_000).Select(static i => $"a{i}\n")];
        string[] after = [.. Enumerable.Range(0, 20_000).Select(static i => $"b{i}\n")];

        LineDiff.Compare(before, after).Count.ShouldBe(40_000);
    }

    [Theory]
    [InlineData("a\nb\nc\n", "a\nx\nc\n")]
    [InlineData("a\n", "a")]
    [InlineData("a", "a\n")]
    [InlineData("", "a\nb\n")]
    [InlineData("a\r\nb\r\n", "a\r\nB\r\n")]
    [InlineData("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "one\n2\n3\n4\n5\n6\n7\nEIGHT\n9\n10\n11\n12\n13\n")]
    [InlineData("\uFEFFä\n", "\uFEFFö\n")]
    [Trait("Platform", "Unix")]
    public async Task Git_applies_it(string before, string after)
    {
        using var folder = new CliDriver().WithFile("a \"b\".py", before);

        var applied = await Command.RunAsync(
            "git", ["apply", "-"], input: Diff("a \"b\".py", before, after), workingDirectory: folder.Project,
            cancellationToken: TestContext.Current.CancellationToken);

        applied.OrThrow("git apply");
        File.ReadAllBytes(Path.Combine(folder.Project, "a \"b\".py")).ShouldBe(Encoding.UTF8.GetBytes(after));
    }

    [Fact]
    public void What_is_no_text_is_said_to_differ()
    {
        var lines = new List<string>();

        new UnifiedDiff(lines.Add).Add("a.bin", new DiffSide([0, 1], IsExecutable: false), new DiffSide([0xff], IsExecutable: false));

        lines.ShouldBe(["diff --git a/a.bin b/a.bin", "Binary files a/a.bin and b/a.bin differ"]);
    }

    private static string Diff(string name, string before, string after)
    {
        var text = new StringBuilder();
        new UnifiedDiff(line => text.Append(line).Append('\n')).Add(name, Side(before), Side(after));
        return text.ToString();
    }

    private static DiffSide Side(string text) => new(Encoding.UTF8.GetBytes(text), IsExecutable: false);
}
