using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Commands;
using PyResolve.Cli.Help;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>What holds for every command there is, and for every one that is added.</summary>
public sealed class CommandTreeTests : IDisposable
{
    /// <summary>Their output is a script, a text for people, or a protocol.</summary>
    private static readonly string[] WithoutJson = ["completion", "help", "mcp"];

    private readonly CommandTreeReader _tree = new();

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void Its_help_fits_80_columns_and_a_screen(string command)
    {
        var lines = _tree.HelpOf(command).TrimEnd('\n').Split('\n');

        lines.ShouldAllBe(line => line.Length <= 80);
        lines.Length.ShouldBeLessThanOrEqualTo(40);
    }

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void Its_help_has_a_description_an_example_and_the_exit_codes(string command)
    {
        var help = _tree.HelpOf(command);

        help.ShouldMatch(@"\A[A-Z][^.]+\.[\s\S]*?\n\nUsage: pyresolve");
        help.ShouldMatch(@"\nExamples:\n  [^\n]*pyresolve");
        help.ShouldContain("130 interrupted");
    }

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void Each_example_is_a_command_line_that_is_understood(string command)
    {
        var examples = CommandHelp.Of(_tree.Find(command)).Examples;
        foreach (var example in examples.Where(static line => line.StartsWith("pyresolve ", StringComparison.Ordinal)))
        {
            var words = CommandWords.Split(example.Split(" < ")[0].Split(" > ")[0]);

            var parse = _tree.Root.Parse([.. words.Skip(1)]);

            parse.Errors.ShouldBeEmpty(example);
            parse.CommandResult.Command.Action.ShouldNotBeNull(example);
        }
    }

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void A_mistyped_option_is_a_usage_error_that_says_what_was_probably_meant(string command)
    {
        foreach (var option in _tree.Find(command).Options.Select(static option => option.Name).Where(static name => name.Length > 5))
        {
            var parse = _tree.Root.Parse([.. CommandTreeReader.Split(command), option[..^1]]);

            var failure = Misuse.Find(parse).ShouldNotBeNull();

            failure.ExitCode.ShouldBe(ExitCodes.Usage);
            failure.Next[0].ShouldStartWith("Did you mean: pyresolve");
            failure.Next[0].ShouldEndWith(option);
        }
    }

    [Theory]
    [InlineData("--verbos")]
    [InlineData("--versio")]
    public void An_option_that_the_command_would_not_take_is_not_suggested(string option)
    {
        var failure = Misuse.Find(_tree.Root.Parse(["status", option])).ShouldNotBeNull();

        failure.Next.ShouldBe(["See: pyresolve status --help"]);
    }

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void What_it_shows_it_can_write_as_JSON(string command)
    {
        var found = _tree.Find(command);
        if (found.Action is null || found is RootCommand || WithoutJson.Contains(command))
            return;

        found.Options.ShouldContain(GlobalOptions.Json);
    }

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void No_option_but_the_warned_of_one_takes_a_secret(string command) =>
        _tree.Find(command).Options
            .Where(static option => option.ValueType != typeof(bool))
            .Select(static option => option.Name)
            .Where(static name => name.Contains("key", StringComparison.Ordinal) || name.Contains("password", StringComparison.Ordinal))
            .ShouldBe(command == "login" ? ["--key"] : []);

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void Named_by_a_command_line_it_is_built_alone_and_has_the_same_help(string command)
    {
        using var built = new CommandTreeReader(command);

        built.HelpOf(command).ShouldBe(_tree.HelpOf(command));
        if (command.Length > 0)
            built.Root.Subcommands.ShouldHaveSingleItem().Name.ShouldBe(command.Split(' ')[0]);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("stauts")]
    [InlineData("--profile work status")]
    [InlineData("[suggest:10] pyresolve")]
    public void For_help_completion_and_what_begins_otherwise_every_command_is_built(string commandLine)
    {
        using var built = new CommandTreeReader(commandLine);

        built.Names.ShouldBe(_tree.Names);
    }

    public void Dispose() => _tree.Dispose();
}
