using System.CommandLine;
using System.CommandLine.Parsing;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;

namespace PyResolve.Cli.Commands;

/// <summary>A value that is missing, or that an option or an argument does not take: which one, and how it is written.</summary>
internal static class BadValue
{
    /// <summary>Whether the error is about a value that was given.</summary>
    public static bool IsOfSomethingGiven(ParseError error) =>
        error.SymbolResult is OptionResult { IdentifierTokenCount: > 0 } or ArgumentResult { Tokens.Count: > 0 };

    public static CliException Describe(ParseError error, Command command) => error.SymbolResult switch
    {
        OptionResult { IdentifierTokenCount: > 0, Tokens.Count: 0 } option => Describe(
            $"{option.Option.Name} needs {Expected(option.Option)}.", option.Option, command),
        OptionResult { Tokens.Count: > 0 } option when option.IdentifierTokenCount > option.Option.Arity.MaximumNumberOfValues =>
            CliException.Usage($"{option.Option.Name} is given {option.IdentifierTokenCount} times.", "Give it once.", See(command)),
        OptionResult { Tokens: [.., var token] } option => Describe(
            $"{option.Option.Name} needs {Expected(option.Option)}, not '{token.Value}'.", option.Option, command, token.Value),
        ArgumentResult { Tokens: [var token, ..] } argument => Describe(
            $"{CommandHelp.Placeholder(argument.Argument)} needs {Expected(argument.Argument)}, not '{token.Value}'.",
            argument.Argument, command, token.Value),
        _ => DescribeMissing(command, error),
    };

    private static CliException Describe(string cause, Symbol symbol, Command command, string value = "")
    {
        var written = symbol is Option option ? CommandHelp.Signature(option) : CommandHelp.Of(command).Usage;
        return Spelling.FindNearest(value, CommandHelp.Choices(symbol)) is { } nearest
            ? CliException.Usage(cause, $"Did you mean: {nearest}", See(command))
            : CliException.Usage(cause, $"Use: {written}", See(command));
    }

    private static CliException DescribeMissing(Command command, ParseError error)
    {
        var help = CommandHelp.Of(command);
        var missing = error.SymbolResult switch
        {
            OptionResult option => CommandHelp.Signature(option.Option),
            ArgumentResult argument => CommandHelp.Placeholder(argument.Argument),
            _ => string.Join(' ', command.Options.Where(static option => option.Required).Select(CommandHelp.Signature)),
        };
        return CliException.Usage($"{help.Name} needs {missing}.", $"Use: {help.Usage}", $"For example: {help.Examples[0]}", See(command));
    }

    private static string Expected(Symbol symbol)
    {
        var choices = CommandHelp.Choices(symbol);
        if (choices.Count > 0)
            return $"{string.Join(", ", choices.SkipLast(1))} or {choices[^1]}";
        var type = symbol is Option option ? option.ValueType : ((Argument)symbol).ValueType;
        return type == typeof(int) || type == typeof(int?) ? "a whole number" : "a value";
    }

    private static string See(Command command) => $"See: {CommandHelp.FullName(command)} --help";
}
