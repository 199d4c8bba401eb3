using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class ConfigCommand
{
    private const string KeyName = "api_key";

    private static readonly Argument<string> Name =
        new("name") { Description = "The setting, with dots between tables: migrators.pydantic, for example." };

    private static readonly Argument<string> Value = new("value") { Description = "The new value. An empty one removes the setting." };

    public static Command Create(Terminal terminal)
    {
        var path = new Command("path", "Print where config.toml is.");
        path.SetAction(_ =>
        {
            terminal.Line(new ApiKeyStore().ConfigPath);
            return ExitCodes.Success;
        });
        var get = new Command("get", "Print a setting of config.toml.") { Name, GlobalOptions.Json };
        get.SetAction(parse => Get(terminal, parse.GetRequiredValue(Name), parse.GetValue(GlobalOptions.Json)));
        var set = new Command("set", "Change a setting of config.toml; comments and all else stay.") { Name, Value };
        set.SetAction(parse => Set(terminal, parse.GetRequiredValue(Name), parse.GetRequiredValue(Value)));
        return new Command("config", "Read and change config.toml.") { path, get, set };
    }

    private static int Get(Terminal terminal, string name, bool isJson)
    {
        var keys = new ApiKeyStore();
        var path = Split(name);
        var value = keys.ReadSetting(path);
        if (value is not null && path[^1] == KeyName)
            value = new ApiKeyCredential(value, SettingSource.ConfigFile, keys.ConfigPath).MaskedKey;
        if (isJson)
            terminal.Line(CliJson.Write(new SettingReport(name, value)));
        else
            terminal.Line(value ?? throw new CliException(ExitCodes.Failure, $"{name} is not set in {keys.ConfigPath}."));
        return ExitCodes.Success;
    }

    private static int Set(Terminal terminal, string name, string value)
    {
        var path = Split(name);
        if (path[^1] == KeyName)
        {
            throw CliException.Usage(
                "A key is not given as an argument: it would stay in your shell's history.", "Use: pyresolve login --with-key");
        }

        var keys = new ApiKeyStore();
        keys.WriteSetting(value.Length == 0 ? null : value, path);
        terminal.Success(value.Length == 0 ? $"Removed {name}" : $"{name} = {value}");
        return ExitCodes.Success;
    }

    private static string[] Split(string name) => name.Split('.') is var path && path.All(static part => part.Length > 0)
        ? path
        : throw CliException.Usage($"'{name}' is not the name of a setting.", "Write it as migrators.pydantic.");
}
