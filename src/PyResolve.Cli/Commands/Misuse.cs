using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;

namespace PyResolve.Cli.Commands;

/// <summary>A command line that cannot be understood: the cause, and what was probably meant.</summary>
internal static class Misuse
{
    /// <returns><see langword="null"/> when the command line can be understood.</returns>
    public static CliException? Find(ParseResult parse) =>
        parse.Action is ParseErrorAction || FindTakenOption(parse) is not null ? Describe(parse) : null;

    public static CliException Describe(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        var name = CommandHelp.FullName(command);
        if ((FindTakenOption(parse) ?? (parse.UnmatchedTokens is [var unmatched, ..] ? unmatched : null)) is not { } first)
        {
            if (parse.Errors.FirstOrDefault(BadValue.IsOfSomethingGiven) is { } error)
                return BadValue.Describe(error, command);
            return command.Subcommands.Count > 0 && command.Action is null
                ? CliException.Usage($"{name} needs a command: {Join(command)}.", $"See: {name} --help")
                : BadValue.Describe(parse.Errors[0], command);
        }

        var kind = first.StartsWith('-') ? "option" : command.Subcommands.Count > 0 ? "command" : "argument";
        return FindNearest(first, command) is { } nearest
            ? CliException.Usage($"{name} has no {kind} '{first}'.", $"Did you mean: {name} {nearest}", $"See: {name} --help")
            : CliException.Usage($"{name} has no {kind} '{first}'.", $"See: {name} --help");
    }

    /// <summary>An unknown option that the parser took for the value of an argument. After <c>--</c> that is what it is.</summary>
    private static string? FindTakenOption(ParseResult parse) => parse.Tokens.Any(static token => token.Type == TokenType.DoubleDash)
        ? null
        : parse.CommandResult.Children.OfType<ArgumentResult>().SelectMany(static argument => argument.Tokens)
            .Select(static token => token.Value).FirstOrDefault(static value => value.StartsWith("--", StringComparison.Ordinal));

    private static string Join(Command command) => string.Join(", ", command.Subcommands.Select(static child => child.Name));

    private static string? FindNearest(string word, Command command)
    {
        var names = word.StartsWith('-')
            ? Ancestry(command).SelectMany(ancestor => ancestor.Options.Where(option => option.Recursive || ancestor == command))
                .SelectMany(static option => option.Aliases.Append(option.Name))
                .Where(static name => name.StartsWith("--", StringComparison.Ordinal))
            : command.Subcommands.Select(static child => child.Name);
        return Spelling.FindNearest(word, names);
    }

    private static IEnumerable<Command> Ancestry(Command command) =>
        command.Parents.OfType<Command>().SelectMany(Ancestry).Prepend(command);
}
