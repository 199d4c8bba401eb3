using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry.Metrics;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Telemetry;

/// <summary>
/// Serves <c>/metrics</c> on addresses of its own, by a second web server that knows no other path. So no mistake in a proxy or in the
/// order of the middleware makes it public, and the server's own addresses do not have it.
/// </summary>
internal sealed partial class MetricsListener(TelemetryOptions options, MeterProvider meters, ILogger<MetricsListener> logger)
    : IHostedService, IAsyncDisposable
{
    private WebApplication? _app;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls([.. options.MetricsUrls]);
        builder.Services.Configure<KestrelServerOptions>(static kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 100;
        });
        _app = builder.Build();
        _app.UseOpenTelemetryPrometheusScrapingEndpoint(
            meters, static http => http.Request.Path == "/metrics", path: null, configureBranchedPipeline: null, optionsName: null);
        await _app.ListenAsync(
            [.. options.MetricsUrls.Select(static url => new SetAddress(TelemetryOptions.MetricsSetting, url, url))],
            TelemetryOptions.MetricsSetting, cancellationToken);
        foreach (var address in _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses)
            Log.Serves(logger, address);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _app?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public ValueTask DisposeAsync() => _app?.DisposeAsync() ?? default;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Prometheus reads {Address}/metrics")]
        public static partial void Serves(ILogger logger, string address);
    }
}
