using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PyResolve.Server.Telemetry;

namespace PyResolve.Server.Tests.Telemetry;

/// <summary>A server whose metrics Prometheus may read.</summary>
internal sealed class MeteredServer : IAsyncDisposable
{
    private readonly HttpClient _http = new();

    private MeteredServer(OwnServer server, Uri metrics) => (Server, Metrics) = (server, metrics);

    public OwnServer Server { get; }

    public Uri Metrics { get; }

    public static async Task<MeteredServer> StartAsync(StorageEngine engine, PostgresFixture postgres)
    {
        var server = await OwnServer.StartAsync(
            engine, postgres, settings: new Dictionary<string, string?> { ["PYRESOLVE_METRICS_URLS"] = "http://127.0.0.1:0" });
        var listener = server.Server.Services.GetServices<IHostedService>().OfType<MetricsListener>().Single();
        var metered = new MeteredServer(server, new Uri(listener.Addresses.Single()));
        await Eventually.IsTrueAsync(
            async () => (await metered.ReadAsync()).Families.Contains("pyresolve_store_ready"),
            cancellationToken: TestContext.Current.CancellationToken);
        return metered;
    }

    public async Task<Exposition> ReadAsync() =>
        new(await _http.GetStringAsync(new Uri(Metrics, "/metrics"), TestContext.Current.CancellationToken));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Server.DisposeAsync();
    }
}

/// <summary>Prometheus's text.</summary>
internal sealed record Exposition(string Text)
{
    /// <summary>The names of the series, without the endings of a histogram's.</summary>
    public IReadOnlySet<string> Families { get; } = Text.Split('\n')
        .Where(static line => line.StartsWith("# TYPE ", StringComparison.Ordinal))
        .Select(static line => line.Split(' ')[2])
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>The value of one series; labels that are not named do not matter.</summary>
    public double Of(string name, string label = "")
    {
        var line = Text.Split('\n').Single(line =>
            line.StartsWith(name, StringComparison.Ordinal)
            && line[name.Length] is '{' or ' '
            && line.Contains(label, StringComparison.Ordinal));
        var value = line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0];
        return double.Parse(line.Contains('}', StringComparison.Ordinal) ? value : line.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
