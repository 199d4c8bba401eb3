using System.Globalization;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Telemetry;

/// <summary>
/// A server whose metrics Prometheus may read. In a process of its own: within one process, the counters of several servers are one.
/// </summary>
internal sealed class MeteredServer : IAsyncDisposable
{
    private readonly MetricsReader _metrics;

    private MeteredServer(TestStore store, ServerProcess server) => (Store, Server, _metrics) = (store, server, new(server));

    public TestStore Store { get; }

    public ServerProcess Server { get; }

    public Uri Metrics => _metrics.Address;

    public static async Task<MeteredServer> StartAsync(StorageEngine engine, PostgresFixture postgres)
    {
        var store = await TestStore.CreateAsync(engine, postgres);
        var settings = new Dictionary<string, string?>(store.Settings.Append(MetricsReader.Setting));
        var metered = new MeteredServer(store, await ServerProcess.StartAsync(settings, TestContext.Current.CancellationToken));
        await Eventually.IsTrueAsync(
            async () => (await metered.ReadAsync()).Families.Contains("pyresolve_store_ready"),
            cancellationToken: TestContext.Current.CancellationToken);
        return metered;
    }

    public Task<TestAccount> SignUpAsync() => TestAccount.SignUpAsync(Server.Http);

    public Task<Exposition> ReadAsync() => _metrics.ReadAsync();

    public async ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        await Server.DisposeAsync();
        await Store.DisposeAsync();
    }
}

/// <summary>Reads the metrics of a server that was started with <see cref="Setting"/>, as Prometheus does.</summary>
internal sealed partial class MetricsReader(ServerProcess server) : IDisposable
{
    private readonly HttpClient _http = new();

    public static KeyValuePair<string, string?> Setting { get; } = new("PYRESOLVE_METRICS_URLS", "http://127.0.0.1:0");

    public Uri Address => new(Line().Match(server.Log).Groups["address"].Value);

    public async Task<Exposition> ReadAsync() =>
        new(await _http.GetStringAsync(new Uri(Address, "/metrics"), TestContext.Current.CancellationToken));

    public void Dispose() => _http.Dispose();

    [GeneratedRegex(@"Prometheus reads (?<address>http://\S+)/metrics", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Line();
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
