using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class LogoutCommand
{
    public const string CommandName = "logout";

    private static readonly Option<bool> All = new("--all") { Description = "Remove the saved keys of every profile." };

    public static Command Create(Terminal terminal)
    {
        var command = new ExplainedCommand(
            CommandName, "Remove the saved API key. The rest of the configuration stays, and the key stays valid on the server.",
            "pyresolve logout", "pyresolve logout --all")
        {
            All, GlobalOptions.Json,
        };
        command.SetAction(parse =>
            Run(terminal, GlobalOptions.GetProfile(parse), parse.GetValue(All), parse.GetValue(GlobalOptions.Json)));
        return command;
    }

    private static int Run(Terminal terminal, string? profile, bool all, bool isJson)
    {
        if (all && profile is not null)
            throw CliException.Usage("Give --all or --profile, not both.", "See: pyresolve logout --help");
        var keys = new ApiKeyStore(profile: profile);
        var removed = all ? keys.RemoveAllApiKeys().Count : keys.RemoveApiKey() ? 1 : 0;
        if (isJson)
            terminal.Exact(CliJson.Write(new LogoutReport(removed)));
        else if (removed > 0)
            terminal.Success("Logged out successfully");
        else
            terminal.Line("Not logged in");
        if (keys.FindApiKey() is { Source: SettingSource.Environment })
            terminal.Warning($"{ApiKeyStore.ApiKeyVariable} is still set, and used. To stop that: unset {ApiKeyStore.ApiKeyVariable}");
        return ExitCodes.Success;
    }
}
