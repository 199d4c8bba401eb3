using System.CommandLine;
using PyResolve.Cli.Base;

namespace PyResolve.Cli.Commands;

/// <summary>A command line that cannot be understood: the cause, and what was probably meant.</summary>
internal static class Misuse
{
    public static CliException Describe(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        var name = FullName(command);
        if (parse.UnmatchedTokens is not [var first, ..])
        {
            // "Required command was not provided." does not say which there are.
            var cause = command.Subcommands.Count > 0 && command.Action is null
                ? $"{name} needs a command: {Join(command)}."
                : string.Join(' ', parse.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            return CliException.Usage(cause, $"See: {name} --help");
        }

        var kind = first.StartsWith('-') ? "option" : command.Subcommands.Count > 0 ? "command" : "argument";
        return FindNearest(first, command) is { } nearest
            ? CliException.Usage($"{name} has no {kind} '{first}'.", $"Did you mean: {name} {nearest}", $"See: {name} --help")
            : CliException.Usage($"{name} has no {kind} '{first}'.", $"See: {name} --help");
    }

    private static string FullName(Command command) => command is RootCommand
        ? "pyresolve"
        : $"{FullName(command.Parents.OfType<Command>().First())} {command.Name}";

    private static string Join(Command command) => string.Join(", ", command.Subcommands.Select(static child => child.Name));

    private static string? FindNearest(string word, Command command)
    {
        var names = word.StartsWith('-')
            ? Ancestry(command).SelectMany(static ancestor => ancestor.Options)
                .SelectMany(static option => option.Aliases.Append(option.Name))
                .Where(static name => name.StartsWith("--", StringComparison.Ordinal))
            : command.Subcommands.Select(static child => child.Name);
        return names
            .Select(name => (Name: name, Distance: EditDistance.Between(word, name)))
            .Where(candidate => candidate.Distance <= Math.Max(1, candidate.Name.Length / 3))
            .OrderBy(static candidate => candidate.Distance).ThenBy(static candidate => candidate.Name, StringComparer.Ordinal)
            .Select(static candidate => candidate.Name)
            .FirstOrDefault();
    }

    private static IEnumerable<Command> Ancestry(Command command) =>
        command.Parents.OfType<Command>().SelectMany(Ancestry).Prepend(command);
}
