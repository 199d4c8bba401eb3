using System.CommandLine;
using System.CommandLine.Help;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

internal static class CommandTree
{
    public static RootCommand Create(Terminal terminal, StopSignals signals)
    {
        var root = new RootCommand("Upgrades Python code across breaking library versions, within your plan's quota.")
        {
            SignUpCommand.Create(terminal),
            LoginCommand.Create(terminal),
            LogoutCommand.Create(terminal),
            StatusCommand.Create(terminal),
            UpgradeCommand.Create(terminal, signals),
            UsageCommand.Create(terminal),
            KeysCommand.Create(terminal),
            PlanCommand.Create(terminal),
            SyncCommand.Create(terminal),
            ProfilesCommand.Create(terminal),
            ConfigCommand.Create(terminal),
            DoctorCommand.Create(terminal),
            CompletionCommand.Create(terminal),
        };
        root.Add(HelpCommand.Create(root, terminal));
        root.Options.Add(GlobalOptions.Profile);
        root.Options.Add(GlobalOptions.NoInput);
        root.Options.OfType<VersionOption>().Single().Aliases.Add("-V");
        foreach (var help in root.Options.OfType<HelpOption>())
            help.Action = new HelpWithExitCodes((HelpAction)help.Action!);
        return root;
    }
}
