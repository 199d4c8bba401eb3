namespace PyResolve.Server.Commands;

/// <summary>Settings in the forms that ASP.NET Core reads.</summary>
internal static class CommandSettings
{
    private static readonly HashSet<string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        "DATABASE_URL",
        "PORT",
        "urls",
        "http_ports",
        "https_ports",
        "environment",
        "contentRoot",
        "applicationName",
        "AllowedHosts",
        "detailedErrors",
        "shutdownTimeoutSeconds",
    };

    private static readonly string[] Prefixes =
        ["PYRESOLVE", "STRIPE_", "SUPABASE_", "ASPNETCORE_", "DOTNET_", "Logging:", "Kestrel:", "OTEL_"];

    /// <returns>What is wrong with the first word that is not a setting; null where all are.</returns>
    public static string? FindUnknown(IReadOnlyList<string> words)
    {
        for (var i = 0; i < words.Count; i++)
        {
            var isSwitch = words[i].StartsWith('-') || words[i].StartsWith('/');
            var parts = words[i].TrimStart('-', '/').Split('=', 2);
            if (!isSwitch && parts.Length == 1)
                return $"There is no command '{words[i]}' here. "
                    + "A setting is written --name=value, and a command comes before all settings.";
            if (!IsKnown(parts[0]))
                return $"There is no switch or setting '{parts[0]}'. "
                    + "Settings are those of docs/configuration.md, such as --PyResolve:SessionDays=7.";
            if (parts.Length == 1 && ++i >= words.Count)
                return $"{words[^1]} takes a value: {words[^1]}=value.";
        }

        return null;
    }

    private static bool IsKnown(string name) =>
        Names.Contains(name) || Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
