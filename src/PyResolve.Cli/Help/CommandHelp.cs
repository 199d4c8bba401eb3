using System.CommandLine;
using System.CommandLine.Completions;

namespace PyResolve.Cli.Help;

/// <summary>A name, such as <c>--tier tier1|tier2|tier3</c>, and what it means.</summary>
internal sealed record HelpEntry(string Name, string Text);

/// <summary>What there is to say about a command, in whatever form it is shown.</summary>
internal sealed record CommandHelp(
    string Name,
    string Text,
    string Usage,
    IReadOnlyList<HelpEntry> Commands,
    IReadOnlyList<HelpEntry> Arguments,
    IReadOnlyList<HelpEntry> Options,
    IReadOnlyList<HelpEntry> GlobalOptions,
    IReadOnlyList<string> Examples)
{
    private static readonly string[] RootExamples =
        ["pyresolve signup", "pyresolve upgrade pydantic --target 2.0", "pyresolve status", "pyresolve plan upgrade"];

    public static CommandHelp Of(Command command)
    {
        var commands = command.Subcommands.Where(static child => !child.Hidden).ToList();
        var arguments = command.Arguments.Where(static argument => !argument.Hidden).ToList();
        var options = command.Options.Where(static option => !option.Hidden).ToList();
        return new CommandHelp(
            FullName(command),
            command.Description ?? "",
            UsageOf(command, commands, arguments),
            [.. commands.Select(static child => new HelpEntry(child.Name, FirstSentence(child.Description ?? "")))],
            [.. arguments.Select(static argument => new HelpEntry(
                Placeholder(argument),
                argument.HasDefaultValue ? WithDefault(argument.Description, argument.GetDefaultValue()) : argument.Description ?? ""))],
            [.. options.Where(static option => !option.Recursive).Select(Describe)],
            [.. Ancestry(command).SelectMany(static one => one.Options).Where(static option => option.Recursive).Select(Describe)],
            command is ExplainedCommand explained ? explained.Examples : command is RootCommand ? RootExamples : []);
    }

    public static string FullName(Command command) => command is RootCommand
        ? "pyresolve"
        : $"{FullName(command.Parents.OfType<Command>().First())} {command.Name}";

    /// <summary>The command and all below it, in the order of the help; without hidden ones.</summary>
    public static IEnumerable<Command> Walk(Command command) =>
        command.Subcommands.Where(static child => !child.Hidden).SelectMany(Walk).Prepend(command);

    /// <summary>Where only some values are accepted: those.</summary>
    public static IReadOnlyList<string> Choices(Symbol symbol) =>
        [.. symbol.GetCompletions(CompletionContext.Empty).Select(static item => item.Label)];

    public static string Placeholder(Argument argument) =>
        $"<{argument.HelpName ?? JoinChoices(argument) ?? argument.Name}>{Repeats(argument.Arity)}";

    public static string Signature(Option option) => option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0
        ? option.Name
        : $"{option.Name} <{option.HelpName ?? JoinChoices(option) ?? option.Name.TrimStart('-')}>{Repeats(option.Arity)}";

    public static string FirstSentence(string text) =>
        text.IndexOf(". ", StringComparison.Ordinal) is > 0 and var end ? text[..(end + 1)] : text;

    private static IEnumerable<Command> Ancestry(Command command) =>
        command.Parents.OfType<Command>().SelectMany(Ancestry).Prepend(command);

    private static string UsageOf(Command command, List<Command> commands, List<Argument> arguments)
    {
        string[] parts =
        [
            FullName(command),
            commands.Count == 0 ? "" : command.Action is null ? "<command>" : "[command]",
            .. arguments.Select(static argument => argument.Arity.MinimumNumberOfValues == 0 || argument.HasDefaultValue
                ? $"[{Placeholder(argument)}]"
                : Placeholder(argument)),
            .. command.Options.Where(static option => option.Required).Select(static option => Signature(option)),
            "[options]",
        ];
        return string.Join(' ', parts.Where(static part => part.Length > 0));
    }

    private static HelpEntry Describe(Option option) => new(
        string.Join(", ", option.Aliases.Where(static alias => alias is "-h" or "-V").Append(Signature(option))),
        option.HasDefaultValue && option.ValueType != typeof(bool)
            ? WithDefault(option.Description, option.GetDefaultValue())
            : option.Description ?? "");

    private static string? JoinChoices(Symbol symbol) => Choices(symbol) is { Count: > 0 } choices ? string.Join('|', choices) : null;

    private static string Repeats(ArgumentArity arity) => arity.MaximumNumberOfValues > 1 ? "..." : "";

    private static string WithDefault(string? text, object? value) => $"{text} (default: {value})";
}
