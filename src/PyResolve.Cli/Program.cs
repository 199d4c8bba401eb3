using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using PyResolve.Cli.Base;
using PyResolve.Cli.Commands;
using PyResolve.Cli.Output;

var terminal = Terminal.System();
var root = new RootCommand("Upgrades Python code across breaking library versions, within your plan's quota.")
{
    LoginCommand.Create(terminal),
    LogoutCommand.Create(terminal),
    StatusCommand.Create(terminal),
    UpgradeCommand.Create(terminal),
};
root.Options.Add(GlobalOptions.Profile);
foreach (var help in root.Options.OfType<HelpOption>())
    help.Action = new HelpWithExitCodes((HelpAction)help.Action!);

// No response files: an argument that starts with @ is an argument.
var parse = root.Parse(args.Length == 0 ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
try
{
    if (parse.Action is ParseErrorAction)
        throw Misuse(parse);

    return await parse.InvokeAsync(new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        // Long enough, after Ctrl+C, to stop the migrator and to release the reservation.
        ProcessTerminationTimeout = TimeSpan.FromSeconds(15),
    });
}
catch (Exception e)
{
    var failure = Failures.Describe(e, parse.GetValue(GlobalOptions.Profile));
    terminal.Error(failure.Message, failure.Next);
    return failure.ExitCode;
}

static CliException Misuse(ParseResult parse)
{
    var command = parse.CommandResult.Command;
    var name = command is RootCommand ? "pyresolve" : $"pyresolve {command.Name}";
    var cause = parse.UnmatchedTokens is [var first, ..]
        ? $"{name} has no {(first.StartsWith('-') ? "option" : command is RootCommand ? "command" : "argument")} '{first}'."
        : string.Join(' ', parse.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    return CliException.Usage(cause, $"See: {name} --help");
}
