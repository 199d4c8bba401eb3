using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Operators;

/// <summary><c>Value</c>: null for a secret, which is only said to be set. <c>Source</c>: where the value that counts comes from.</summary>
internal sealed record EffectiveSetting(string Name, string? Value, string Source, bool IsKnown);

/// <summary>The settings of this server that are set, each from the source that wins.</summary>
internal static class SettingsList
{
    private static readonly string[] OfTheHost = ["PORT", "URLS", "ASPNETCORE_URLS", "ENVIRONMENT", "AllowedHosts"];
    private static readonly string[] SecretParts = ["SECRET", "PASSWORD", "TOKEN", "DATABASE_URL"];

    public static IReadOnlyList<EffectiveSetting> Read(IConfiguration configuration) =>
    [
        .. from setting in configuration.AsEnumerable()
           where setting.Value is { Length: > 0 } && IsOwn(setting.Key, configuration)
           orderby setting.Key
           let isKnown = IsKnown(setting.Key, configuration)
           // What is not known may be a secret under a misspelt name.
           let isShown = isKnown && !IsSecret(setting.Key, setting.Value!)
           select new EffectiveSetting(
               setting.Key, isShown ? setting.Value : null, SourceOf(configuration, setting.Key), isKnown),
    ];

    /// <summary>Also a URL with a password in it, under any name.</summary>
    public static bool IsSecret(string name, string value)
    {
        var upper = name.ToUpperInvariant();
        return upper.EndsWith("KEY", StringComparison.Ordinal)
            || SecretParts.Any(part => upper.Contains(part, StringComparison.Ordinal))
            || value.Contains('@', StringComparison.Ordinal)
            || value.StartsWith("sk_", StringComparison.Ordinal)
            || value.StartsWith("rk_", StringComparison.Ordinal)
            || value.StartsWith("whsec_", StringComparison.Ordinal);
    }

    private static bool IsKnown(string name, IConfiguration configuration) =>
        KnownSettings.IsKnown(name, configuration) || OfTheHost.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static bool IsOwn(string name, IConfiguration configuration) =>
        IsKnown(name, configuration)
        || name.StartsWith("PyResolve:", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("PYRESOLVE_", StringComparison.OrdinalIgnoreCase);

    private static string SourceOf(IConfiguration configuration, string name)
    {
        var provider = (configuration as IConfigurationRoot)?.Providers.LastOrDefault(one => one.TryGet(name, out _));
        return provider switch
        {
            EnvironmentVariablesConfigurationProvider => "Environment",
            CommandLineConfigurationProvider => "Command line",
            JsonConfigurationProvider { Source.Path: { } path } => path,
            _ => "The program",
        };
    }
}
