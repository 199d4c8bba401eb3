using PyResolve.Server.Hosting;

namespace PyResolve.Server.Telemetry;

/// <summary>The telemetry that leaves this process. Without a setting nothing does, and nothing is measured.</summary>
/// <param name="MetricsUrls"><c>PYRESOLVE_METRICS_URLS</c>: where Prometheus reads <c>/metrics</c>, and nothing else is served.</param>
/// <param name="SendsAll">Whether the usual variable names a collector of OpenTelemetry for everything.</param>
/// <param name="Collectors">Otherwise those that are named for one kind of signal alone.</param>
internal sealed record TelemetryOptions(
    IReadOnlyList<string> MetricsUrls, bool SendsAll, IReadOnlyDictionary<string, CollectorOptions> Collectors)
{
    public const string Traces = "TRACES";
    public const string Metrics = "METRICS";
    public const string Logs = "LOGS";

    public const string MetricsSetting = "PYRESOLVE_METRICS_URLS";

    public bool IsOn => MetricsUrls.Count > 0 || SendsAll || Collectors.Count > 0;

    public bool Measures => MetricsUrls.Count > 0 || SendsAll || Collectors.ContainsKey(Metrics);

    public static TelemetryOptions Read(IConfiguration configuration)
    {
        var metricsUrls = (configuration[MetricsSetting] ?? "")
            .Split([';', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Check).ToList();
        // All of them are read, so that each wrong one is named.
        var forAll = ServerOptions.Url(configuration, "OTEL_EXPORTER_OTLP_ENDPOINT");
        var collectors = new Dictionary<string, CollectorOptions>(StringComparer.Ordinal);
        foreach (var signal in new[] { Traces, Metrics, Logs })
        {
            if (CollectorOptions.Find(configuration, signal) is { } collector)
                collectors.Add(signal, collector);
        }

        if (ServerOptions.Flag(configuration, "OTEL_SDK_DISABLED", fallback: false))
            return new TelemetryOptions(metricsUrls, SendsAll: false, new Dictionary<string, CollectorOptions>());
        return new TelemetryOptions(metricsUrls, forAll is not null, collectors);
    }

    private static string Check(string url) =>
        ListeningAddress.IsValid(url) && BindingAddress.Parse(url) is { IsUnixPipe: false, IsNamedPipe: false }
            ? url
            : throw Wrong(url);

    private static InvalidConfigurationException Wrong(string url) => new(
        $"In {MetricsSetting}, an address is {ServerOptions.Quote(url)}; it lists addresses such as http://127.0.0.1:9464 or "
            + "http://*:9464, without a path.");
}
