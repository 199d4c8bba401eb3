using System.Text.Json;
using System.Text.RegularExpressions;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Telemetry;

/// <summary>The board and the alert rules in <c>deploy/</c> ask for the metrics that there are.</summary>
public sealed partial class BoardTests(SharedServers servers)
{
    private static readonly string Deploy = Path.Combine(Guide.Root, "deploy");

    private static readonly string Board = File.ReadAllText(Path.Combine(Deploy, "grafana", "dashboard.json"));
    private static readonly string Alerts = File.ReadAllText(Path.Combine(Deploy, "prometheus", "alerts.yaml"));

    [Theory, OnBothEngines]
    public async Task Every_metric_that_the_board_and_the_rules_name_exists(StorageEngine engine)
    {
        await using var metered = await MeteredServer.StartAsync(engine, servers.Postgres);
        await metered.SignUpAsync();
        IReadOnlySet<string> families = new HashSet<string>();
        // A request is counted once its answer has been sent.
        await Eventually.IsTrueAsync(
            async () => (families = (await metered.ReadAsync()).Families).Contains("http_server_request_duration_seconds"),
            cancellationToken: TestContext.Current.CancellationToken);

        var unknown = Queries().SelectMany(NamesIn).Where(name => !families.Contains(Family(name, families)))
            .Where(name => engine is StorageEngine.Postgres || !name.StartsWith("db_client_", StringComparison.Ordinal)).Distinct();

        unknown.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_metric_of_our_own_is_on_the_board()
    {
        await using var metered = await MeteredServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var read = await metered.ReadAsync();
        var own = read.Families.Where(static name => name.StartsWith("pyresolve_", StringComparison.Ordinal)).ToList();

        own.ShouldNotBeEmpty();
        own.Where(static name => !Board.Contains(name, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_alert_says_what_to_do_and_the_guide_has_it()
    {
        var guide = File.ReadAllText(Path.Combine(Guide.Root, "docs", "monitoring.md"));
        var names = AlertName().Matches(Alerts).Select(static match => match.Groups["name"].Value).ToList();

        names.Count.ShouldBeGreaterThan(5);
        names.ShouldAllBe(name => guide.Contains($"`{name}`", StringComparison.Ordinal));
        Alerts.Split("- alert:").Skip(1).ShouldAllBe(static rule =>
            rule.Contains("summary:", StringComparison.Ordinal) && rule.Contains("description:", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Queries()
    {
        using var board = JsonDocument.Parse(Board);
        var targets = board.RootElement.GetProperty("panels").EnumerateArray()
            .Where(static panel => panel.TryGetProperty("targets", out _))
            .SelectMany(static panel => panel.GetProperty("targets").EnumerateArray());
        return
        [
            .. targets.Select(static target => target.GetProperty("expr").GetString()!),
            .. AlertQuery().Matches(Alerts).Select(static match => match.Groups["query"].Value),
        ];
    }

    private static IEnumerable<string> NamesIn(string query) =>
        MetricName().Matches(Labels().Replace(query, "")).Select(static match => match.Value);

    /// <summary>Prometheus adds endings to the name of a histogram.</summary>
    private static string Family(string name, IReadOnlySet<string> families) =>
        HistogramEnding().Replace(name, "") is var family && families.Contains(family) ? family : name;

    [GeneratedRegex(@"\b(?:pyresolve|http|kestrel|dotnet|db|up)_[a-z_]+\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex MetricName();

    [GeneratedRegex(@"\b(?:by|without) \([^)]*\)|\{[^}]*\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Labels();

    [GeneratedRegex("_(?:bucket|sum|count)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex HistogramEnding();

    [GeneratedRegex(@"- alert: (?<name>\w+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex AlertName();

    [GeneratedRegex(@"expr: (?<query>.+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex AlertQuery();
}
