using System.Globalization;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Statistics;

/// <summary>A recount of many events agrees with independent SQL, finds the one wrong value, and needs little memory.</summary>
[Trait("Category", "Proof")]
public sealed partial class RecomputeProof(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_recount_of_generated_events_finds_only_the_wrong_value(StorageEngine engine)
    {
        var count = Scale.Pick(50_000, 5_000_000);
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var accounts = Enumerable.Range(0, 40).Select(_ => Guid.CreateVersion7(TimeProvider.System.GetUtcNow())).ToList();
        await own.Store.GenerateEventsAsync(accounts, count, days: 120);
        await own.Store.AddUpAsync();

        var clean = await RecomputeAsync(own.Store);
        await own.Store.ExecuteSqlAsync(
            $"update usage_daily set tokens = tokens - 1 where user_id = '{accounts[0]}' and date = '2026-10-11'");
        var falsified = await RecomputeAsync(own.Store);
        var repaired = await RecomputeAsync(own.Store);

        var counted = count.ToString("N0", CultureInfo.InvariantCulture);
        clean.OrThrow("usage recompute").Output.ShouldStartWith(
            $"Recounted {counted} events of 40 accounts (160 account-months): no difference.");
        falsified.ExitCode.ShouldBe(1);
        falsified.Output.ShouldMatch(
            $@"^usage_daily {accounts[0]} 2026-10 '2026-10-11' tokens: was \d+, is \d+\nRecounted .*: 1 difference, repaired\.");
        repaired.OrThrow("usage recompute").Output.ShouldContain("no difference");
        var cost = Cost().Match(clean.Output);
        int.Parse(cost.Groups["memory"].Value, CultureInfo.InvariantCulture).ShouldBeLessThan(200);
        Proofs.Report(
            "usage recompute",
            $"{engine}: {counted} generated events of 40 accounts in 160 months recounted in {cost.Groups["seconds"].Value} s with at "
            + $"most {cost.Groups["memory"].Value} MB: "
            + "no difference; one falsified value found and repaired.");
    }

    private static Task<CommandResult> RecomputeAsync(TestStore store) =>
        ServerProcess.RunAsync(["usage", "recompute"], store.Settings, TestContext.Current.CancellationToken);

    [GeneratedRegex(
        @"Took (?<seconds>[\d.]+) s, at most (?<memory>\d+) MB",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Cost();
}
