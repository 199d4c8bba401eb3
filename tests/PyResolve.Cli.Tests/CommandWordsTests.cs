using FsCheck;
using FsCheck.Fluent;
using PyResolve.Cli.Migrations;

namespace PyResolve.Cli.Tests;

public class CommandWordsTests
{
    [Fact]
    public void Joined_words_are_split_again()
    {
        var anyWords = ArbMap.Default.GeneratorFor<string?>().Select(w => w ?? "").ArrayOf().ToArbitrary();

        Prop.ForAll(anyWords, words => CommandWords.Split(CommandWords.Join(words)).SequenceEqual(words)).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Words_of_special_characters_are_split_again()
    {
        var words = Gen.Elements(' ', '\t', '\n', '\'', '"', '\\', '$', '{', 'a').ArrayOf().Select(c => new string(c)).ArrayOf()
            .ToArbitrary();

        Prop.ForAll(words, w => CommandWords.Split(CommandWords.Join(w)).SequenceEqual(w)).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("", new string[0])]
    [InlineData("  tool \t --flag\n", new[] { "tool", "--flag" })]
    [InlineData("tool 'two words' \"and two\"", new[] { "tool", "two words", "and two" })]
    [InlineData("tool --path='a b'/c", new[] { "tool", "--path=a b/c" })]
    [InlineData("tool '' \"\"", new[] { "tool", "", "" })]
    [InlineData(@"tool a\ b \""", new[] { "tool", "a b", "\"" })]
    [InlineData(@"tool ""a\""b\\c\d"" 'a\b'", new[] { "tool", @"a""b\c\d", @"a\b" })]
    [InlineData("tool $HOME *.py | cat; `x`", new[] { "tool", "$HOME", "*.py", "|", "cat;", "`x`" })]
    public void A_command_is_split_as_in_a_shell_and_nothing_is_expanded(string command, string[] words) =>
        CommandWords.Split(command).ShouldBe(words);

    [Theory]
    [InlineData("tool 'open")]
    [InlineData("tool \"open")]
    [InlineData("tool \"open\\\"")]
    [InlineData("tool \\")]
    public void An_unclosed_quote_is_refused(string command) =>
        Should.Throw<FormatException>(() => CommandWords.Split(command));
}
