using System.CommandLine;
using System.CommandLine.Help;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

internal static class CommandTree
{
    /// <summary>With every command.</summary>
    public static RootCommand Create(Terminal terminal, StopSignals signals) =>
        Create(terminal, static all => all, signals);

    /// <summary>
    /// With the command that a command line begins with, and no other: to build all of them takes longer than to parse. With all for
    /// completion, for the help of the program itself, and where the first word is no command.
    /// </summary>
    public static RootCommand CreateFor(string[] arguments, Terminal terminal, StopSignals signals) => Create(
        terminal,
        all => arguments is [var first, ..] && Array.Find(all, command => command.Name == first) is { } named ? [named] : all,
        signals);

    private static RootCommand Create(Terminal terminal, Func<Entry[], Entry[]> choose, StopSignals signals)
    {
        var root = new RootCommand("Upgrade Python code across breaking library versions, within your plan's quota.")
        {
            GlobalOptions.Profile,
            GlobalOptions.NoInput,
        };
        var version = root.Options.OfType<VersionOption>().Single();
        version.Description = "Print the version.";
        version.Aliases.Add("-V");
        var help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Explain the command.";
        help.Action = new HelpScreen(terminal);
        foreach (var command in choose(InOrderOfHelp(terminal, signals)))
            root.Add(command.Create());
        return root;
    }

    private static Entry[] InOrderOfHelp(Terminal terminal, StopSignals signals) =>
    [
        new(SignUpCommand.CommandName, () => SignUpCommand.Create(terminal)),
        new(LoginCommand.CommandName, () => LoginCommand.Create(terminal)),
        new(LogoutCommand.CommandName, () => LogoutCommand.Create(terminal)),
        new(StatusCommand.CommandName, () => StatusCommand.Create(terminal)),
        new(UpgradeCommand.CommandName, () => UpgradeCommand.Create(terminal, signals)),
        new(UsageCommand.CommandName, () => UsageCommand.Create(terminal)),
        new(McpCommand.CommandName, () => McpCommand.Create(terminal, signals)),
        new(KeysCommand.CommandName, () => KeysCommand.Create(terminal)),
        new(HoldsCommand.CommandName, () => HoldsCommand.Create(terminal)),
        new(PlanCommand.CommandName, () => PlanCommand.Create(terminal)),
        new(PrepayCommand.CommandName, () => PrepayCommand.Create(terminal)),
        new(SyncCommand.CommandName, () => SyncCommand.Create(terminal)),
        new(ProfilesCommand.CommandName, () => ProfilesCommand.Create(terminal)),
        new(ConfigCommand.CommandName, () => ConfigCommand.Create(terminal)),
        new(DoctorCommand.CommandName, () => DoctorCommand.Create(terminal)),
        new(CompletionCommand.CommandName, () => CompletionCommand.Create(terminal)),
        new(HelpCommand.CommandName, () => HelpCommand.Create(terminal, () => Create(terminal, signals))),
    ];

    private sealed class Entry(string name, Func<Command> create)
    {
        public string Name => name;

        public Command Create() => create();
    }
}
