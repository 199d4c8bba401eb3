using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Statistics;
using PyResolve.Server.Tests.Http;
using PyResolve.Server.Tests.Usage;

namespace PyResolve.Server.Tests.Statistics;

/// <summary>The operator command <c>usage recompute</c>.</summary>
public sealed class RecomputeTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Rollups_written_by_the_server_need_no_repair(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        foreach (var account in (TestAccount[])[await own.SignUpAsync(), await own.SignUpAsync()])
        {
            await account.ReportAsync("pydantic", "tier1", tokens: 10, files: 2);
            await account.ReportAsync(tokens: 5, type: "llm_call", occurredAt: "2026-10-31T23:00:00Z");
            await account.ReportAsync("a 'library'", type: "scan");
            await account.CommitAsync((await account.ReserveAsync(quantity: 2)).Id(), new { quantity = 1 });
            await account.ReserveAsync();
            await account.Key.PostAsync("/quota/reservations", new { tier = "tier1", machine = "m1", ttl_seconds = 60 });
        }

        own.Clock.Advance(TimeSpan.FromMinutes(2));
        var result = await RecomputeAsync(own.Store);

        result.OrThrow("usage recompute").Output.ShouldMatch(
            @"^Recounted 8 events of 2 accounts \(4 account-months\): no difference\. Took [\d.]+ s, at most \d+ MB of memory\.\n$");
    }

    [Theory, OnEveryEngine]
    public async Task A_recount_walks_from_account_to_account(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        foreach (var account in (TestAccount[])[await own.SignUpAsync(), await own.SignUpAsync()])
            await account.ReportAsync("pydantic", "tier1", tokens: 10, files: 2);

        var result = await own.Server.Services.GetRequiredService<RollupRecount>().RunAsync(
            new RecountScope(UserId: null, Month: null, Repair: false), static _ => { }, static _ => { },
            TestContext.Current.CancellationToken);

        result.ShouldBe(new RecountResult(Accounts: 2, Months: 2, Events: 2, Differences: 0));
    }

    [Theory, OnBothEngines]
    public async Task Each_different_value_is_reported_and_repaired(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync("pydantic", "tier2", tokens: 10, files: 2);
        await account.ReportAsync("django", tokens: 5);
        var reservation = await account.ReserveAsync(quantity: 2);
        foreach (var table in (string[])["usage_monthly", "usage_daily", "usage_libraries"])
            await own.Store.ExecuteSqlAsync($"update {table} set migrations = migrations + 40");
        await own.Store.ExecuteSqlAsync("update usage_monthly set total_tokens = 0, held = 3");
        await own.Store.ExecuteSqlAsync("delete from usage_libraries where library = 'django'");
        await own.Store.ExecuteSqlAsync("update usage_daily set date = '2026-11-01'");

        var found = await RecomputeAsync(own.Store);
        var again = await RecomputeAsync(own.Store);

        var slice = $"{account.UserId} 2026-11";
        found.ExitCode.ShouldBe(1, found.Error);
        found.Output.Split('\n')[..^2].ShouldBe(
        [
            $"usage_monthly {slice} migrations: was 42, is 2",
            $"usage_monthly {slice} total_tokens: was 0, is 15",
            $"usage_monthly {slice} held: was 3, is 2",
            $"usage_daily {slice} '2026-11-01' migrations: was 42, is 0",
            $"usage_daily {slice} '2026-11-01' tokens: was 15, is 0",
            $"usage_daily {slice} '2026-11-15' migrations: was 0, is 2",
            $"usage_daily {slice} '2026-11-15' tokens: was 0, is 15",
            $"usage_libraries {slice} 'django' migrations: was 0, is 1",
            $"usage_libraries {slice} 'pydantic' migrations: was 41, is 1",
        ]);
        found.Output.ShouldContain("Recounted 2 events of 1 account (1 account-month): 9 differences, repaired.");
        again.OrThrow("usage recompute").Output.ShouldContain("no difference");
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 2, Remaining: 1));
        await account.CommitAsync(reservation.Id());
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 4, Held: 0, Remaining: 1));
        (await account.Session.GetAsync("/audit"))["data"].EnumerateArray().Count(
            entry => entry.GetProperty("action").GetString() == "account.usage_recomputed").ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Migrations_by_key_are_added_up_again(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync();
        await account.CommitAsync((await account.ReserveAsync(quantity: 2)).Id());
        await account.Session.PostAsync("/usage", new { event_type = "migration" });
        var keyId = await own.Store.ReadSqlAsync("select key_id from usage_keys");
        await own.Store.ExecuteSqlAsync("update usage_keys set migrations = 40");
        await own.Store.ExecuteSqlAsync(
            $"insert into usage_keys (user_id, month, key_id, migrations) values ('{account.UserId}', '2026-11', '{account.UserId}', 1)");

        var found = await RecomputeAsync(own.Store);

        found.ExitCode.ShouldBe(1, found.Error);
        found.Output.ShouldContain($"usage_keys {account.UserId} 2026-11 '{keyId}' migrations: was 40, is 3");
        found.Output.ShouldContain($"usage_keys {account.UserId} 2026-11 '{account.UserId}' migrations: was 1, is 0");
        found.Output.ShouldContain("2 differences, repaired.");
        (await RecomputeAsync(own.Store)).OrThrow("usage recompute").Output.ShouldContain("no difference");
        (await own.Store.ReadNumberAsync("select migrations from usage_keys")).ShouldBe(3);
    }

    [Theory, OnBothEngines]
    public async Task Days_of_keys_are_repaired_too(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync();
        await account.ReportAsync(occurredAt: "2026-11-02T00:00:00Z");
        var keyId = await account.KeyIdAsync();
        await own.Store.ExecuteSqlAsync("update usage_key_days set migrations = 9 where date = '2026-11-15'");
        await own.Store.ExecuteSqlAsync("update usage_key_days set date = '2026-11-03' where date = '2026-11-02'");

        var found = await RecomputeAsync(own.Store);

        found.ExitCode.ShouldBe(1, found.Error);
        found.Output.ShouldContain($"usage_key_days {account.UserId} 2026-11 '{keyId} 2026-11-02' migrations: was 0, is 1");
        found.Output.ShouldContain($"usage_key_days {account.UserId} 2026-11 '{keyId} 2026-11-03' migrations: was 1, is 0");
        found.Output.ShouldContain($"usage_key_days {account.UserId} 2026-11 '{keyId} 2026-11-15' migrations: was 9, is 1");
        (await RecomputeAsync(own.Store)).OrThrow("usage recompute").Output.ShouldContain("no difference");
        (await own.Store.CountDifferencesAsync()).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task A_dry_run_changes_nothing(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync();
        await own.Store.ExecuteSqlAsync("update usage_monthly set migrations = 7");

        var first = await RecomputeAsync(own.Store, "--dry-run");
        var second = await RecomputeAsync(own.Store, "--dry-run");

        foreach (var result in (CommandResult[])[first, second])
        {
            result.ExitCode.ShouldBe(1, result.Error);
            result.Output.ShouldContain("migrations: was 7, is 1");
            result.Output.ShouldContain("1 difference, not repaired.");
        }

        (await account.QuotaAsync()).Used.ShouldBe(7);
    }

    [Theory, OnBothEngines]
    public async Task Lost_rollups_are_restored_from_the_events(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync("pydantic", "tier1", tokens: 10, files: 2);
        await account.ReserveAsync();
        var before = await account.Key.GetAsync("/usage");
        foreach (var table in (string[])["usage_monthly", "usage_daily", "usage_libraries", "usage_keys", "usage_key_days"])
            await own.Store.ExecuteSqlAsync($"delete from {table}");

        (await RecomputeAsync(own.Store)).ExitCode.ShouldBe(1);

        (await account.Key.GetAsync("/usage")).ShouldBeJson(200, before.Text);
    }

    [Theory, OnBothEngines]
    public async Task A_month_whose_events_were_deleted_is_skipped(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync(occurredAt: "2026-10-31T00:00:00Z");
        await account.ReportAsync();
        await own.Store.ExecuteSqlAsync("update usage_retention set deleted_before = '2026-11'");
        await own.Store.ExecuteSqlAsync("delete from usage_events where month = '2026-10'");

        var result = await RecomputeAsync(own.Store);

        result.OrThrow("usage recompute").Output.ShouldStartWith("Recounted 1 event of 1 account (1 account-month): no difference.");
        (await account.Key.GetAsync("/usage?month=2026-10"))["migrations"].GetInt64().ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task One_account_and_one_month_can_be_recounted_alone(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var ada = await own.SignUpAsync("ada@example.com");
        var grace = await own.SignUpAsync("grace@example.com");
        foreach (var account in (TestAccount[])[ada, grace])
        {
            await account.ReportAsync(occurredAt: "2026-10-31T00:00:00Z");
            await account.ReportAsync();
        }

        await own.Store.ExecuteSqlAsync("update usage_monthly set migrations = 9");

        var october = await RecomputeAsync(own.Store, "--account", "Ada@Example.com", "--month=2026-10");
        var byId = await RecomputeAsync(own.Store, $"--account={grace.UserId}", "--dry-run");
        var all = await RecomputeAsync(own.Store);

        october.Output.ShouldStartWith(
            $"usage_monthly {ada.UserId} 2026-10 migrations: was 9, is 1\n"
            + "Recounted 1 event of 1 account (1 account-month): 1 difference, repaired.");
        byId.Output.ShouldContain("Recounted 2 events of 1 account (2 account-months): 2 differences, not repaired.");
        all.Output.ShouldContain("Recounted 4 events of 2 accounts (4 account-months): 3 differences, repaired.");
    }

    [Theory]
    [InlineData("There is no such email", "--account", "nobody@example.com")]
    [InlineData("There is no such email", "--account=42")]
    [InlineData("Required argument missing for option: '--account'", "--account")]
    [InlineData("--account takes a value", "--account", "--dry-run")]
    [InlineData("--month November: must be a calendar month", "--month", "November")]
    [InlineData("yes", "--dry-run=yes")]
    [InlineData("There is no command '2026-11' here", "--dry-run", "2026-11")]
    public async Task A_wrong_option_is_named_and_nothing_is_done(string message, params string[] options)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync();
        await own.Store.ExecuteSqlAsync("update usage_monthly set migrations = 9");

        var result = await RecomputeAsync(own.Store, options);

        result.ExitCode.ShouldBe(2);
        result.Error.ShouldContain(message, Case.Insensitive);
        (await account.QuotaAsync()).Used.ShouldBe(9);
    }

    [Theory, OnBothEngines]
    public async Task A_recount_during_writes_finds_nothing_and_loses_nothing(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        using var stop = new CancellationTokenSource();
        var writing = Task.WhenAll(Enumerable.Range(0, 4).Select(writer => WriteAsync(account, writer, stop.Token)));

        var quiet = await RecomputeAsync(own.Store);
        await own.Store.ExecuteSqlAsync("update usage_monthly set migrations = migrations + 1000");
        await own.Store.ExecuteSqlAsync("update usage_libraries set migrations = migrations + 1000 where library = 'lib0'");
        var repaired = await RecomputeAsync(own.Store);
        await stop.CancelAsync();
        var written = (await writing).Sum();

        quiet.OrThrow("usage recompute").Output.ShouldContain("no difference");
        repaired.Output.ShouldContain("2 differences, repaired.");
        (await RecomputeAsync(own.Store)).OrThrow("usage recompute").Output.ShouldContain("no difference");
        (await own.Store.ReadNumberAsync("select migrations from usage_monthly")).ShouldBe(written);
    }

    /// <returns>The number of migrations reported.</returns>
    private static async Task<int> WriteAsync(TestAccount account, int writer, CancellationToken stop)
    {
        var count = 0;
        while (!stop.IsCancellationRequested)
        {
            await account.ReportAsync($"lib{writer}", tokens: 1);
            await account.CommitAsync((await account.ReserveAsync()).Id());
            count += 2;
        }

        return count;
    }

    private static Task<CommandResult> RecomputeAsync(TestStore store, params string[] options) =>
        ServerProcess.RunAsync(["usage", "recompute", .. options], store.Settings, TestContext.Current.CancellationToken);
}
