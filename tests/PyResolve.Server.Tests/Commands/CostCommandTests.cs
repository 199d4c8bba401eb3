using System.Globalization;
using System.Text.Json;
using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Commands;

public sealed class CostCommandTests
{
    [Fact]
    public void The_table_of_the_guide_is_what_the_estimate_says()
    {
        var rows = Guide.Text("costs.md").Split('\n')
            .Where(static line => line.StartsWith("| 1", StringComparison.Ordinal) && line.Contains(" each | ", StringComparison.Ordinal))
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
    public void Months_that_are_kept_and_events_count_for_storage_memory_and_disk()
    {
        var small = new CostEstimate(new CostQuestion(1_000, 100_000, 100_000, 0, 19));
        var year = new CostEstimate(new CostQuestion(1_000, 100_000_000, 100_000_000, 0, 19));
        var three = new CostEstimate(year.Question with { Months = 36 });

        (year.StorageAMonth, year.StorageGigabytes, three.StorageGigabytes).ShouldBe((60, 720, 2160));
        (small.DatabaseGigabytes, year.DatabaseGigabytes).ShouldBe((1, 30));
        foreach (var i in Enumerable.Range(0, 4))
        {
            year.Lines[i].Monthly!.Value.ShouldBeGreaterThan(small.Lines[i].Monthly!.Value, year.Lines[i].Name);
            three.Lines[i].Monthly!.Value.ShouldBeGreaterThan(year.Lines[i].Monthly!.Value, year.Lines[i].Name);
        }
    }

    [Fact]
    public void What_a_machine_and_a_GB_of_disk_cost_is_an_assumption_that_can_be_replaced()
    {
        var question = new CostQuestion(100_000, 100_000_000, 100_000_000, 0, 19);
        var assumed = new CostEstimate(question);
        var own = new CostEstimate(question with { Machine = 24, Disk = 0.08m });

        assumed.Lines[0].Made.ShouldEndWith("; assumed: $10.00 for 2 cores and 4 GB, $0.10 for a GB of disk over 40");
        own.Lines[0].Made.ShouldEndWith("; assumed: $24.00 for 2 cores and 4 GB, $0.08 for a GB of disk over 40");
        // 8 machines' worth of memory, and 680 GB of disk over 40.
        (assumed.Lines[0].Monthly, own.Lines[0].Monthly).ShouldBe((148.04m, 246.43m));
        own.Lines.Skip(2).ShouldBe(assumed.Lines.Skip(2));
    }

    [Fact]
    public void The_sizes_of_Supabase_in_the_guide_are_those_of_the_estimate()
    {
        var rows = Guide.Text("costs.md").Split('\n')
            .SkipWhile(static line => !line.StartsWith("| size |", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(static line => line.StartsWith('|'))
            .Select(static line => line.Trim('|', ' ').Split(" | "));

        rows.Select(static row => new SupabaseSize(
                row[0], (int)Number(row[1].Split(',')[0]), (int)Number(row[2]), Number(row[3])))
            .ShouldBe(CostEstimate.SupabaseSizes);
    }

    [Fact]
    public void The_largest_numbers_are_answered_and_what_no_size_holds_has_no_price()
    {
        var most = new CostEstimate(new CostQuestion(
            CostQuestion.Most, CostQuestion.Most, CostQuestion.Most, CostQuestion.Most, CostQuestion.HighestPrice) { Months = 120 });

        most.Lines.Single(static line => line.Name == "Supabase and Railway").Monthly.ShouldBeNull();
        most.DatabaseCores.ShouldBeGreaterThan(64);
        most.Instances.ShouldBeGreaterThan(100);
    }

    [Fact]
    public async Task The_command_needs_neither_settings_nor_a_database()
    {
        var text = await RunAsync("cost");
        var json = await RunAsync("cost", "--subscribers", "30", "--json");
        var own = await RunAsync("cost", "--machine-price", "24", "--disk-price", "0.08");
        var wrong = await RunAsync("cost", "--events", "many");
        var negative = await RunAsync("cost", "--disk-price", "-1");

        text.OrThrow("cost").Output.ShouldContain("Stripe, payments");
        text.Output.ShouldContain(CostEstimate.PricesReadOn);
        Guide.Text("costs.md").ShouldContain($"Read on {CostEstimate.PricesReadOn}");
        using var answer = JsonDocument.Parse(json.OrThrow("cost").Output);
        answer.RootElement.GetProperty("revenue").GetDecimal().ShouldBe(570);
        answer.RootElement.GetProperty("data").EnumerateArray().Last().GetProperty("monthly").ValueKind.ShouldBe(JsonValueKind.Null);
        own.OrThrow("cost").Output.ShouldContain("$24.00 for 2 cores and 4 GB, $0.08 for a GB of disk over 40");
        (wrong.ExitCode, wrong.Output).ShouldBe((2, ""));
        negative.ExitCode.ShouldBe(2);
        negative.Error.ShouldStartWith("--disk-price is a number of dollars from 0 to 1000000.");
    }

    private static decimal Number(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);

    private static Task<CommandResult> RunAsync(params string[] arguments) =>
        ServerProcess.RunAsync(arguments, new Dictionary<string, string?>(), TestContext.Current.CancellationToken);
}
