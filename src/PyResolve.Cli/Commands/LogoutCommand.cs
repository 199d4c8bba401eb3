using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class LogoutCommand
{
    private static readonly Option<bool> All = new("--all") { Description = "Remove the saved keys of every profile." };

    public static Command Create(Terminal terminal)
    {
        var command = new Command("logout", "Remove the saved API key. The rest of the configuration stays.") { All };
        command.SetAction(parse => Run(terminal, GlobalOptions.GetProfile(parse), parse.GetValue(All)));
        return command;
    }

    private static int Run(Terminal terminal, string? profile, bool all)
    {
        if (all && profile is not null)
            throw CliException.Usage("Give --all or --profile, not both.", "See: pyresolve logout --help");
        var keys = new ApiKeyStore(profile: profile);
        if (all ? keys.RemoveAllApiKeys().Count > 0 : keys.RemoveApiKey())
            terminal.Success("Logged out successfully");
        else
            terminal.Line("Not logged in");
        if (keys.FindApiKey() is { Source: SettingSource.Environment })
            terminal.Warning($"{ApiKeyStore.ApiKeyVariable} is still set, and used. To stop that: unset {ApiKeyStore.ApiKeyVariable}");
        return ExitCodes.Success;
    }
}
