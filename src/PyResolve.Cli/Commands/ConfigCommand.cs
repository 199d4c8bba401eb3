using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class ConfigCommand
{
    public const string CommandName = "config";

    private const string KeyName = "api_key";

    private static readonly Argument<string> Name =
        new("name") { Description = "The setting, with dots between tables: migrators.pydantic, for example." };

    private static readonly Argument<string> Value = new("value") { Description = "The new value. An empty one removes the setting." };

    public static Command Create(Terminal terminal)
    {
        var path = new ExplainedCommand("path", "Print where config.toml is.", "pyresolve config path") { GlobalOptions.Json };
        path.SetAction(parse =>
        {
            var configPath = new ApiKeyStore().ConfigPath;
            terminal.Exact(parse.GetValue(GlobalOptions.Json) ? CliJson.Write(new PathReport(configPath)) : configPath);
            return ExitCodes.Success;
        });
        var get = new ExplainedCommand(
            "get", "Print a setting of config.toml. A key is printed without its secret part.", "pyresolve config get api_url",
            "pyresolve config get migrators.pydantic")
        {
            Name, GlobalOptions.Json,
        };
        get.SetAction(parse => Get(terminal, parse.GetRequiredValue(Name), parse.GetValue(GlobalOptions.Json)));
        var set = new ExplainedCommand(
            "set", "Change a setting of config.toml; comments and all else stay.",
            "pyresolve config set migrators.pydantic \"bump-pydantic {path}\"", "pyresolve config set api_url \"\"")
        {
            Name, Value, GlobalOptions.Json,
        };
        set.SetAction(parse => Set(
            terminal, parse.GetRequiredValue(Name), parse.GetRequiredValue(Value), parse.GetValue(GlobalOptions.Json)));
        return new ExplainedCommand(
            CommandName, "Read and change config.toml.", "pyresolve config path", "pyresolve config get api_url")
        {
            path, get, set,
        };
    }

    private static int Get(Terminal terminal, string name, bool isJson)
    {
        var keys = new ApiKeyStore();
        var path = Split(name);
        var value = keys.ReadSetting(path);
        if (value is not null && path[^1] == KeyName)
            value = new ApiKeyCredential(value, SettingSource.ConfigFile, keys.ConfigPath).MaskedKey;
        if (isJson)
            terminal.Exact(CliJson.Write(new SettingReport(name, value)));
        else
            terminal.Exact(value ?? throw new CliException(
                ExitCodes.Failure, $"{name} is not set in {keys.ConfigPath}.", $"To set it: pyresolve config set {name} <value>"));
        return ExitCodes.Success;
    }

    private static int Set(Terminal terminal, string name, string value, bool isJson)
    {
        var path = Split(name);
        if (path[^1] == KeyName)
        {
            throw CliException.Usage(
                "A key is not given as an argument: it would stay in your shell's history.", "Use: pyresolve login --with-key");
        }

        Check(path, value);
        var keys = new ApiKeyStore();
        keys.WriteSetting(value.Length == 0 ? null : value, path);
        if (isJson)
            terminal.Exact(CliJson.Write(new SettingReport(name, value.Length == 0 ? null : value)));
        else
            terminal.Success(value.Length == 0 ? $"Removed {name}" : $"{name} = {value}");
        return ExitCodes.Success;
    }

    /// <summary>Refuses what would make every later command fail.</summary>
    private static void Check(string[] path, string value)
    {
        if (path is ["profile"] && value.Length > 0)
            throw CliException.Usage("The profile in use is not set here.", $"Use: pyresolve profiles use {value}");
        if (path is ["migrators" or "profiles"])
            throw CliException.Usage($"{path[0]} is a table, not a setting.", $"Name a setting in it: {path[0]}.<name>");
        if (path[^1] == "api_url" && value.Length > 0 && ApiUrlList.Parse(value) is null)
            throw CliException.Usage($"'{value}' is not an http or https URL.", "Write it as https://api.pyresolve.dev.");
    }

    private static string[] Split(string name) => name.Split('.') is var path && path.All(static part => part.Length > 0)
        ? path
        : throw CliException.Usage($"'{name}' is not the name of a setting.", "Write it as migrators.pydantic.");
}
