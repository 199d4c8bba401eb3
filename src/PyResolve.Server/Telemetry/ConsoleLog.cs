using PyResolve.Server.Hosting;

namespace PyResolve.Server.Telemetry;

internal static class ConsoleLog
{
    private const string Timestamp = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>
    /// Adds the log in the format of <c>PyResolve:LogFormat</c>: <c>text</c>, a line for people; or <c>json</c>, an object a line, with the
    /// request's id in its scopes.
    /// </summary>
    public static void AddConsoleLog(this ILoggingBuilder logging, IConfiguration configuration)
    {
        CheckLevels(configuration.GetSection("Logging"));
        switch (ServerOptions.Text(configuration, "PyResolve:LogFormat"))
        {
            case null or "text":
                logging.AddSimpleConsole(static console =>
                {
                    console.SingleLine = true;
                    console.UseUtcTimestamp = true;
                    console.TimestampFormat = $"{Timestamp} ";
                });
                break;
            case "json":
                logging.AddJsonConsole(static console =>
                {
                    console.IncludeScopes = true;
                    console.UseUtcTimestamp = true;
                    console.TimestampFormat = Timestamp;
                });
                break;
            case var other:
                throw new InvalidConfigurationException($"PyResolve:LogFormat is {ServerOptions.Quote(other)}; it is text or json.");
        }
    }

    /// <summary>Checks the levels. Else the first logger that is made fails, without the setting's name.</summary>
    private static void CheckLevels(IConfigurationSection logging)
    {
        // Of all, and of each provider.
        var sections = logging.GetChildren().SelectMany(static child => child.Key.Equals("LogLevel", StringComparison.OrdinalIgnoreCase)
            ? [child]
            : child.GetChildren().Where(static section => section.Key.Equals("LogLevel", StringComparison.OrdinalIgnoreCase)));
        foreach (var level in sections.SelectMany(static section => section.GetChildren()))
        {
            if (level.Value is { Length: > 0 } value && !Enum.TryParse<LogLevel>(value, ignoreCase: true, out _))
            {
                throw new InvalidConfigurationException(
                    $"{level.Path} is {ServerOptions.Quote(value)}; it is {string.Join(", ", Enum.GetNames<LogLevel>()[..^1])} or "
                    + $"{nameof(LogLevel.None)}.");
            }
        }
    }
}
