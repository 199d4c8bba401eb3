using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class LogoutCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("logout", "Remove the saved API key. The rest of the configuration stays.");
        command.SetAction(parse => Run(terminal, GlobalOptions.GetProfile(parse)));
        return command;
    }

    private static int Run(Terminal terminal, string? profile)
    {
        var keys = new ApiKeyStore(profile: profile);
        if (keys.RemoveApiKey())
            terminal.Success("Logged out successfully");
        else
            terminal.Line("Not logged in");
        if (keys.FindApiKey() is { Source: SettingSource.Environment })
            terminal.Warning($"{ApiKeyStore.ApiKeyVariable} is still set, and used. To stop that: unset {ApiKeyStore.ApiKeyVariable}");
        return ExitCodes.Success;
    }
}
