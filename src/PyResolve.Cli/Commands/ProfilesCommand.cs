using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class ProfilesCommand
{
    private const string Top = "default";

    private static readonly Argument<string> Name =
        new("name") { Description = $"The profile; '{Top}' for the key and the server at the top of config.toml." };

    public static Command Create(Terminal terminal)
    {
        var list = new Command("list", "Show the profiles in config.toml.") { GlobalOptions.Json };
        list.SetAction(parse => List(terminal, GlobalOptions.GetProfile(parse), parse.GetValue(GlobalOptions.Json)));
        var use = new Command("use", "Choose the profile that commands use from now on.") { Name };
        use.SetAction(parse => Use(terminal, parse.GetRequiredValue(Name)));
        return new Command("profiles", "Show and choose profiles: several servers and accounts.") { list, use };
    }

    private static int List(Terminal terminal, string? profile, bool isJson)
    {
        var keys = new ApiKeyStore(profile: profile);
        var (current, names) = (keys.FindProfile(), keys.ListProfiles());
        if (isJson)
        {
            terminal.Line(CliJson.Write(new ProfilesReport(current, names)));
            return ExitCodes.Success;
        }

        var hasTop = keys.ReadSetting("api_key") is not null;
        foreach (var name in hasTop || names.Count == 0 ? names.Prepend(Top) : names)
            terminal.Line($"{((name == Top ? null : name) == current ? "*" : " ")} {name}");
        if (names.Count == 0)
            terminal.Note("To add one: pyresolve login --profile <name>");
        return ExitCodes.Success;
    }

    private static int Use(Terminal terminal, string name)
    {
        var keys = new ApiKeyStore();
        var names = keys.ListProfiles();
        if (name != Top && !names.Contains(name, StringComparer.Ordinal))
        {
            throw CliException.Usage(
                $"There is no profile '{name}' in {keys.ConfigPath}.",
                names.Count == 0 ? "There are none." : $"There are: {string.Join(", ", names)}.",
                $"To add it: pyresolve login --profile {name}");
        }

        keys.UseProfile(name == Top ? null : name);
        terminal.Success($"Using profile {name}");
        if (Environment.GetEnvironmentVariable(ApiKeyStore.ProfileVariable) is { Length: > 0 } variable && variable != name)
        {
            terminal.Warning(
                $"{ApiKeyStore.ProfileVariable}={variable} is set and comes first. To stop that: unset {ApiKeyStore.ProfileVariable}");
        }

        return ExitCodes.Success;
    }
}
