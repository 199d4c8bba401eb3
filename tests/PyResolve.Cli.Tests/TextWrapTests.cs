using PyResolve.Cli.Output;

namespace PyResolve.Cli.Tests;

public sealed class TextWrapTests
{
    [Theory]
    [InlineData("short", "short")]
    [InlineData("one two three four", "one two\n  three\n  four")]
    [InlineData("averyverylongword", "averyverylongword")]
    [InlineData("see: averyverylongword now", "see:\n  averyverylongword\n  now")]
    [InlineData("  kept  gaps", "  kept  gaps")]
    public void No_line_is_longer_than_the_terminal_and_no_word_is_broken(string text, string expected) =>
        string.Join('\n', TextWrap.Lines(text, width: text.StartsWith(' ') ? 12 : 9, indent: "  ")).ShouldBe(expected);

    [Theory]
    [InlineData("  Resets:     2026-12-01 00:00 UTC", 14)]
    [InlineData("  Before it:  plan free, 0 of 5 used", 14)]
    [InlineData("Key:    pyr_live_…", 8)]
    [InlineData("Granted: it is within the quota", 2)]
    [InlineData("  Run: pyresolve login", 4)]
    public void A_line_goes_on_below_the_value_of_its_label(string line, int column) =>
        TextWrap.IndentOf(line).Length.ShouldBe(column);

    [Fact]
    public void Colours_take_no_room() =>
        TextWrap.Lines("\e[32mone two\e[0m", width: 7, indent: "").ShouldHaveSingleItem();
}
