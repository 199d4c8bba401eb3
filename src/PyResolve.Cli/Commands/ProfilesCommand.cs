using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class ProfilesCommand
{
    public const string CommandName = "profiles";

    private const string Top = "default";

    private static readonly Argument<string> Name =
        new("name") { Description = $"The profile; '{Top}' for the key and the server at the top of config.toml." };

    private static readonly Argument<string> Removed = new("name") { Description = "The profile to remove." };

    public static Command Create(Terminal terminal)
    {
        var list = new ExplainedCommand(
            "list", "Show the profiles in config.toml. An asterisk marks the one in use.", "pyresolve profiles list")
        {
            GlobalOptions.Json,
        };
        list.SetAction(parse => List(terminal, GlobalOptions.GetProfile(parse), parse.GetValue(GlobalOptions.Json)));
        var use = new ExplainedCommand(
            "use", "Choose the profile that commands use from now on.", "pyresolve profiles use work", "pyresolve profiles use default")
        {
            Name, GlobalOptions.Json,
        };
        use.SetAction(parse => Use(terminal, parse.GetRequiredValue(Name), parse.GetValue(GlobalOptions.Json)));
        var remove = new ExplainedCommand(
            "remove", "Remove a profile from config.toml. Its key stays valid on the server until it is revoked.",
            "pyresolve profiles remove work", "pyresolve profiles remove work --yes")
        {
            Removed, Confirmation.Yes, GlobalOptions.Json,
        };
        remove.SetAction((parse, cancellationToken) => RemoveAsync(terminal, parse, cancellationToken));
        return new ExplainedCommand(
            CommandName, "Show, choose and remove profiles: several servers and accounts.",
            "pyresolve profiles list", "pyresolve login --profile work", "pyresolve profiles use work")
        {
            list, use, remove,
        };
    }

    private static int List(Terminal terminal, string? profile, bool isJson)
    {
        var keys = new ApiKeyStore(profile: profile);
        var (current, names) = (keys.FindProfile(), keys.ListProfiles());
        if (isJson)
        {
            terminal.Exact(CliJson.Write(new ProfilesReport(current, names)));
            return ExitCodes.Success;
        }

        var hasTop = keys.ReadSetting("api_key") is not null;
        foreach (var name in hasTop || names.Count == 0 ? names.Prepend(Top) : names)
            terminal.Line($"{((name == Top ? null : name) == current ? "*" : " ")} {name}");
        if (names.Count == 0)
            terminal.Note("To add one: pyresolve login --profile <name>");
        return ExitCodes.Success;
    }

    private static int Use(Terminal terminal, string name, bool isJson)
    {
        var keys = new ApiKeyStore();
        if (name != Top)
            CheckExists(keys, name, $"To add it: pyresolve login --profile {name}");

        keys.UseProfile(name == Top ? null : name);
        if (isJson)
            terminal.Exact(CliJson.Write(new ProfileReport(name)));
        else
            terminal.Success($"Using profile {name}");
        if (Environment.GetEnvironmentVariable(ApiKeyStore.ProfileVariable) is { Length: > 0 } variable && variable != name)
        {
            terminal.Warning(
                $"{ApiKeyStore.ProfileVariable}={variable} is set and comes first. To stop that: unset {ApiKeyStore.ProfileVariable}");
        }

        return ExitCodes.Success;
    }

    private static async Task<int> RemoveAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var name = parse.GetRequiredValue(Removed);
        var keys = new ApiKeyStore();
        CheckExists(keys, name, "See: pyresolve profiles list");
        if (keys.ReadSetting("profile") == name)
        {
            throw new CliException(
                ExitCodes.Failure, $"{name} is the profile in use.", $"Choose another first: pyresolve profiles use {Top}");
        }

        var key = keys.ReadSetting("profiles", name, "api_key") is { } saved
            ? new ApiKeyCredential(saved, SettingSource.ConfigFile, keys.ConfigPath).MaskedKey.TrimEnd('…')
            : null;
        var server = key is null ? null : keys.ReadSetting("profiles", name, "api_url");
        await Confirmation.AskAsync(terminal, parse, $"Remove profile {name} from {keys.ConfigPath}?", cancellationToken);
        keys.RemoveProfile(name);
        if (parse.GetValue(GlobalOptions.Json))
        {
            terminal.Exact(CliJson.Write(new RemovedProfileReport(name, key, server)));
            return ExitCodes.Success;
        }

        terminal.Success($"Removed profile {name} from {keys.ConfigPath}");
        if (key is not null)
        {
            var where = server is null ? "the server" : server.TrimEnd('/');
            terminal.Line($"  Its key {key}{terminal.Ellipsis} stays valid on {where}.");
            terminal.Line($"  To revoke it, log in to that account, then: pyresolve keys revoke {key}");
        }
        return ExitCodes.Success;
    }

    private static void CheckExists(ApiKeyStore keys, string name, string next)
    {
        var names = keys.ListProfiles();
        if (names.Contains(name, StringComparer.Ordinal))
            return;
        throw CliException.Usage(
            $"There is no profile '{name}' in {keys.ConfigPath}.",
            names.Count == 0 ? "There are none." : $"There are: {string.Join(", ", names)}.",
            next);
    }
}
