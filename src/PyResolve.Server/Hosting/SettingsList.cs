using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace PyResolve.Server.Hosting;

/// <summary>
/// <c>Value</c>: null for a secret, which is only said to be set, and for what is not set. <c>Source</c>: where the value that counts comes
/// from. <c>Setting</c>: null where the name is not known.
/// </summary>
internal sealed record EffectiveSetting(string Name, string? Value, string Source, Setting? Setting)
{
    public const string DefaultSource = "default";

    public bool IsKnown => Setting is not null;

    public bool IsSet => Source != DefaultSource;

    public bool IsHidden => IsSet && Value is null;
}

/// <summary>The settings of this server, each from the source that wins.</summary>
internal static class SettingsList
{
    private static readonly string[] SecretParts = ["SECRET", "PASSWORD", "TOKEN", "DATABASE_URL"];
    private static readonly string[] SecretStarts = ["sk_", "rk_", "whsec_"];
    private static readonly string[] FrameworkPrefixes = ["ASPNETCORE_", "DOTNET_"];

    /// <summary>Those that are set, by their names.</summary>
    public static IReadOnlyList<EffectiveSetting> Read(IConfiguration configuration)
    {
        var file = SettingsFile.Find();
        return
        [
            .. from set in configuration.AsEnumerable()
               where set.Value is { Length: > 0 } && IsOwn(set.Key, configuration)
               orderby set.Key
               let setting = SettingsTable.Find(set.Key, configuration)
               select new EffectiveSetting(
                   set.Key, IsShown(setting, set.Key, set.Value!) ? set.Value : null, SourceOf(configuration, set.Key, file), setting),
        ];
    }

    /// <summary>All, in the order of the table, and then those that are not known.</summary>
    public static IReadOnlyList<EffectiveSetting> ReadAll(IConfiguration configuration)
    {
        var set = Read(configuration).ToLookup(static one => one.Setting);
        return
        [
            .. SettingsTable.All.SelectMany(setting => set.Contains(setting)
                ? set[setting]
                : [new EffectiveSetting(setting.Name, Value: null, EffectiveSetting.DefaultSource, setting)]),
            .. set[null],
        ];
    }

    /// <summary>Also a URL with a password in it, under any name.</summary>
    public static bool IsSecret(string name, string value)
    {
        var upper = name.ToUpperInvariant();
        return upper.EndsWith("KEY", StringComparison.Ordinal)
            || SecretParts.Any(part => upper.Contains(part, StringComparison.Ordinal))
            || value.Contains('@', StringComparison.Ordinal)
            || SecretStarts.Any(start => value.StartsWith(start, StringComparison.Ordinal));
    }

    // What is not known may be a secret under a misspelt name.
    private static bool IsShown(Setting? setting, string name, string value) =>
        setting is { IsSecret: false } && !IsSecret(name, value);

    private static bool IsOwn(string name, IConfiguration configuration) =>
        SettingsTable.Find(name, configuration) is not null
        || (!KnownSettings.IsKnown(name, configuration)
            && (name.StartsWith("PyResolve:", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("PYRESOLVE_", StringComparison.OrdinalIgnoreCase)));

    private static string SourceOf(IConfiguration configuration, string name, SettingsFile? file)
    {
        var provider = (configuration as IConfigurationRoot)?.Providers.LastOrDefault(one => one.TryGet(name, out _));
        return provider switch
        {
            EnvironmentVariablesConfigurationProvider => SourceOfVariable(VariableOf(name), file),
            CommandLineConfigurationProvider => "command line",
            JsonConfigurationProvider { Source.Path: { } path } => path,
            _ => "the program",
        };
    }

    private static string SourceOfVariable(string variable, SettingsFile? file) =>
        file?.Values.GetValueOrDefault(variable) is { } value && value == Environment.GetEnvironmentVariable(variable)
            ? $"{file.Path} {variable}"
            : $"environment {variable}";

    /// <summary>As the environment has it: the framework takes its own prefixes off.</summary>
    private static string VariableOf(string name)
    {
        var variable = name.Replace(":", "__", StringComparison.Ordinal);
        return Environment.GetEnvironmentVariable(variable) is not null
            ? variable
            : FrameworkPrefixes.Select(prefix => prefix + variable)
                .FirstOrDefault(static prefixed => Environment.GetEnvironmentVariable(prefixed) is not null) ?? variable;
    }

    /// <summary>The file of <see cref="EnvironmentFile.Setting"/>, read once for all settings.</summary>
    private sealed record SettingsFile(string Path, IReadOnlyDictionary<string, string> Values)
    {
        public static SettingsFile? Find() => Environment.GetEnvironmentVariable(EnvironmentFile.Setting) is { Length: > 0 } path
            ? new SettingsFile(path, EnvironmentFile.Read(path))
            : null;
    }
}
