using PyResolve.Server.Hosting;

namespace PyResolve.Server.Telemetry;

internal static class ConsoleLog
{
    private const string Timestamp = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>
    /// <c>PyResolve:LogFormat</c>: <c>text</c>, a line for people; or <c>json</c>, an object a line, with the request's id in its scopes.
    /// </summary>
    public static void AddConsoleLog(this ILoggingBuilder logging, IConfiguration configuration)
    {
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
}
