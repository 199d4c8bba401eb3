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
            .Select(name => (Name: name, Distance: Distance(word, name)))
            .Where(candidate => candidate.Distance <= Math.Max(1, candidate.Name.Length / 3))
            .OrderBy(static candidate => candidate.Distance).ThenBy(static candidate => candidate.Name, StringComparer.Ordinal)
            .Select(static candidate => candidate.Name)
            .FirstOrDefault();
    }

    private static IEnumerable<Command> Ancestry(Command command) =>
        command.Parents.OfType<Command>().SelectMany(Ancestry).Prepend(command);

    /// <summary>Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.</summary>
    private static int Distance(string from, string to)
    {
        var rows = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
            rows[i, 0] = i;
        for (var j = 0; j <= to.Length; j++)
            rows[0, j] = j;
        for (var i = 1; i <= from.Length; i++)
        {
            for (var j = 1; j <= to.Length; j++)
            {
                var replace = rows[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(replace, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }
        return rows[from.Length, to.Length];
    }
}
