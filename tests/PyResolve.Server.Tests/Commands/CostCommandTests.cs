using System.Globalization;
using System.Text.Json;
using PyResolve.Server.Commands;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Commands;

public sealed class CostCommandTests
{
    [Fact]
    public void The_table_of_the_guide_is_what_the_estimate_says()
    {
        var rows = Guide.Text("costs.md").Split('\n')
            .Where(static line => line.StartsWith("| 1", StringComparison.Ordinal))
            .Select(static line => line.Trim('|', ' ').Split(" | "))
            .ToList();

        rows.Count.ShouldBe(4);
        foreach (var row in rows)
        {
            var (accounts, requests) = (Number(row[0]), Number(row[1].Replace(" each", "", StringComparison.Ordinal)));
            var estimate = new CostEstimate(new CostQuestion((long)accounts, (long)requests, (long)requests, (long)accounts * 3 / 100, 19));

            row[2].ShouldBe($"{estimate.Instances}");
            Number(row[3].Replace(" GB", "", StringComparison.Ordinal)).ShouldBe(estimate.StorageGigabytes, 0.5m);
            foreach (var (line, place) in estimate.Lines.Take(6).Select(static (line, i) => (line, i + 4)))
                Number(row[place]).ShouldBe(line.Monthly!.Value, 0.51m, line.Name);
            Number(row[10]).ShouldBe(estimate.Revenue);
        }
    }

    [Fact]
    public void More_load_needs_more_instances_and_never_fewer_than_two()
    {
        Estimate(0).Instances.ShouldBe(2);
        Estimate(10_000_000_000).Instances.ShouldBeGreaterThan(2);

        static CostEstimate Estimate(long requests) => new(new CostQuestion(1, requests, 0, 0, 19));
    }

    [Fact]
    public async Task The_command_needs_neither_settings_nor_a_database()
    {
        var text = await RunAsync("cost");
        var json = await RunAsync("cost", "--subscribers", "30", "--json");
        var wrong = await RunAsync("cost", "--events", "many");

        text.OrThrow("cost").Output.ShouldContain("Stripe, payments");
        text.Output.ShouldContain(CostEstimate.PricesReadOn);
        Guide.Text("costs.md").ShouldContain($"Read on {CostEstimate.PricesReadOn}");
        using var answer = JsonDocument.Parse(json.OrThrow("cost").Output);
        answer.RootElement.GetProperty("revenue").GetDecimal().ShouldBe(570);
        answer.RootElement.GetProperty("data").EnumerateArray().Last().GetProperty("monthly").ValueKind.ShouldBe(JsonValueKind.Null);
        (wrong.ExitCode, wrong.Output).ShouldBe((2, ""));
    }

    private static decimal Number(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);

    private static Task<CommandResult> RunAsync(params string[] arguments) =>
        ServerProcess.RunAsync(arguments, new Dictionary<string, string?>(), TestContext.Current.CancellationToken);
}
