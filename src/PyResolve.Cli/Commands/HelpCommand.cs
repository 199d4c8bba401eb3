using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

internal static class HelpCommand
{
    public const string CommandName = "help";

    private static readonly Argument<string[]> Words =
        new("command") { Description = "The command to explain.", Arity = ArgumentArity.ZeroOrMore };

    public static Command Create(Terminal terminal, Func<RootCommand> createTree)
    {
        var command = new ExplainedCommand(
            CommandName, "Explain a command: the same as <command> --help.", "pyresolve help upgrade", "pyresolve help keys create")
        {
            Words,
        };
        command.SetAction(parse =>
        {
            var root = createTree();
            var asked = root.Parse([.. parse.GetValue(Words) ?? [], "--help"]);
            if (asked.UnmatchedTokens is [var unknown, ..])
                throw Misuse.Describe(root.Parse([unknown]));
            return asked.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = terminal.Output });
        });
        return command;
    }
}
