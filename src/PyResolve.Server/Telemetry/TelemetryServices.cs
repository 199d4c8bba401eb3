using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Telemetry;

internal static class TelemetryServices
{
    /// <summary>The meters of the server's HTTP, of Kestrel, of the .NET runtime and of the database's driver.</summary>
    private static readonly string[] OtherMeters =
    [
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime", "Npgsql",
    ];

    public static TelemetryOptions AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        var options = TelemetryOptions.Read(configuration);
        services.AddSingleton(options);
        services.AddSingleton<ServerMetrics>();
        if (!options.IsOn)
            return options;

        var telemetry = services.AddOpenTelemetry().ConfigureResource(static resource => resource
            .AddService("pyresolve-server", serviceVersion: ServerVersion.Current)
            // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go first.
            .AddEnvironmentVariableDetector());
        if (options.Measures)
        {
            telemetry.WithMetrics(static metrics => metrics
                .AddMeter([ServerMetrics.MeterName, .. OtherMeters])
                .AddView("http.server.request.duration", DurationBuckets));
        }

        if (options.MetricsUrls.Count > 0)
        {
            telemetry.WithMetrics(static metrics => metrics.AddPrometheusExporter());
            services.AddHostedService<MetricsListener>();
        }

        if (options.SendsAll)
            telemetry.WithTracing(AddSources).WithLogging().UseOtlpExporter();
        else
            AddCollectors(telemetry, options);
        return options;
    }

    /// <summary>
    /// Adds an exporter for each kind that has a collector. <c>UseOtlpExporter</c> would send the other kinds too, to this machine.
    /// </summary>
    private static void AddCollectors(OpenTelemetryBuilder telemetry, TelemetryOptions options)
    {
        foreach (var (signal, collector) in options.Collectors)
        {
            _ = signal switch
            {
                TelemetryOptions.Traces => telemetry.WithTracing(tracing =>
                {
                    AddSources(tracing);
                    tracing.AddOtlpExporter(collector.Apply);
                }),
                TelemetryOptions.Metrics => telemetry.WithMetrics(metrics => metrics.AddOtlpExporter(collector.Apply)),
                _ => telemetry.WithLogging(logging => logging.AddOtlpExporter(collector.Apply)),
            };
        }
    }

    private static void AddSources(TracerProviderBuilder tracing) => tracing
        .AddAspNetCoreInstrumentation()
        .AddHttpClientInstrumentation()
        .AddSource("Npgsql");

    /// <summary>
    /// Buckets for durations. Most answers take less than a millisecond or two, which the usual buckets would not tell apart.
    /// </summary>
    private static ExplicitBucketHistogramConfiguration DurationBuckets => new()
    {
        Boundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };
}
