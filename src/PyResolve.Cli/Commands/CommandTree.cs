using System.CommandLine;
using System.CommandLine.Help;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

internal static class CommandTree
{
    public static RootCommand Create(Terminal terminal, StopSignals signals)
    {
        var root = new RootCommand("Upgrade Python code across breaking library versions, within your plan's quota.")
        {
            SignUpCommand.Create(terminal),
            LoginCommand.Create(terminal),
            LogoutCommand.Create(terminal),
            StatusCommand.Create(terminal),
            UpgradeCommand.Create(terminal, signals),
            UsageCommand.Create(terminal),
            McpCommand.Create(terminal, signals),
            KeysCommand.Create(terminal),
            HoldsCommand.Create(terminal),
            PlanCommand.Create(terminal),
            PrepayCommand.Create(terminal),
            SyncCommand.Create(terminal),
            ProfilesCommand.Create(terminal),
            ConfigCommand.Create(terminal),
            DoctorCommand.Create(terminal),
            CompletionCommand.Create(terminal),
        };
        root.Add(HelpCommand.Create(root, terminal));
        root.Options.Add(GlobalOptions.Profile);
        root.Options.Add(GlobalOptions.NoInput);
        var version = root.Options.OfType<VersionOption>().Single();
        version.Description = "Print the version.";
        version.Aliases.Add("-V");
        var help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Explain the command.";
        help.Action = new HelpScreen(terminal);
        return root;
    }
}
