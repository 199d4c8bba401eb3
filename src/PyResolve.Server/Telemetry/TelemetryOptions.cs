using PyResolve.Server.Hosting;

namespace PyResolve.Server.Telemetry;

/// <summary>What leaves this process about it. Without a setting nothing does, and nothing is measured.</summary>
/// <param name="MetricsUrls"><c>PYRESOLVE_METRICS_URLS</c>: where Prometheus reads <c>/metrics</c>, and nothing else is served.</param>
/// <param name="SendsToCollector">Whether one of the usual variables names a collector of OpenTelemetry.</param>
internal sealed record TelemetryOptions(IReadOnlyList<string> MetricsUrls, bool SendsToCollector)
{
    private const string Setting = "PYRESOLVE_METRICS_URLS";

    private static readonly string[] CollectorVariables =
    [
        "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    ];

    public bool IsOn => MetricsUrls.Count > 0 || SendsToCollector;

    public static TelemetryOptions Read(IConfiguration configuration) => new(
        [
            .. (configuration[Setting] ?? "")
                .Split([';', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Check),
        ],
        NamesCollector(configuration) && !ServerOptions.Flag(configuration, "OTEL_SDK_DISABLED", fallback: false));

    /// <summary>Reads all of them, so that each wrong one is named.</summary>
    private static bool NamesCollector(IConfiguration configuration)
    {
        var urls = CollectorVariables.Select(name => ServerOptions.Url(configuration, name)).ToList();
        return urls.Exists(static url => url is not null);
    }

    private static string Check(string url) =>
        ListeningAddress.IsValid(url) && BindingAddress.Parse(url) is { Scheme: "http", IsUnixPipe: false, IsNamedPipe: false }
            ? url
            : throw Wrong(url);

    private static InvalidConfigurationException Wrong(string url) => new(
        $"In {Setting}, an address is {ServerOptions.Quote(url)}; it lists addresses such as http://127.0.0.1:9464 or http://*:9464, "
            + "without a path.");
}
