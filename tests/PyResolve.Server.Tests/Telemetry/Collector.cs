using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace PyResolve.Server.Tests.Telemetry;

/// <summary>Takes what OpenTelemetry sends over HTTP, and keeps the bytes: texts and ids stand in them as they are.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Path, byte[] Body)> _received = new();

    private Collector(WebApplication app) => _app = app;

    /// <summary>Makes a server send here at once.</summary>
    public IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _app.Urls.Single(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "100",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
    };

    public static async Task<Collector> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var collector = new Collector(builder.Build());
        collector._app.Run(collector.TakeAsync);
        await collector._app.StartAsync(TestContext.Current.CancellationToken);
        return collector;
    }

    /// <param name="kind"><c>traces</c>, <c>metrics</c> or <c>logs</c>.</param>
    /// <param name="bytes">What is looked for.</param>
    public bool Has(string kind, ReadOnlySpan<byte> bytes)
    {
        foreach (var (path, body) in _received)
        {
            if (path == $"/v1/{kind}" && body.AsSpan().IndexOf(bytes) >= 0)
                return true;
        }

        return false;
    }

    public bool HasAnywhere(ReadOnlySpan<byte> bytes) => Has("traces", bytes) || Has("metrics", bytes) || Has("logs", bytes);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        _received.Enqueue((http.Request.Path, body.ToArray()));
    }
}
