namespace PyResolve.Server.Tests.Usage;

/// <summary>Rollups equal the sums of their events.</summary>
public sealed class RollupTests(SharedServers servers)
{
    private const string Wrong = """
        select count(*)
        from usage_monthly m
        where (m.migrations, m.tier1_migrations, m.llm_migrations, m.total_tokens, m.total_files_changed) <> (
            select coalesce(sum(case when event_type = 'migration' then quantity else 0 end), 0),
                   coalesce(sum(case when event_type = 'migration' and tier = 'tier1' then quantity else 0 end), 0),
                   coalesce(sum(case when event_type = 'migration' and tier in ('tier2', 'tier3') then quantity else 0 end), 0),
                   coalesce(sum(tokens_used), 0),
                   coalesce(sum(files_changed), 0)
            from usage_events e
            where e.user_id = m.user_id and e.month = m.month)
        """;

    [Theory, OnEveryEngine]
    public async Task Every_month_equals_a_recount_of_its_events(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        TestAccount[] accounts = [await own.SignUpAsync(), await own.SignUpAsync()];
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");

        await Task.WhenAll(Enumerable.Range(0, 8).Select(client => UseAsync(accounts[client % 2], new Random(client))));

        (await own.Store.ReadNumberAsync("select count(*) from usage_monthly")).ShouldBe(4);
        (await own.Store.ReadNumberAsync("select sum(migrations) from usage_monthly")).ShouldBeGreaterThan(0);
        (await own.Store.ReadNumberAsync(Wrong)).ShouldBe(0);
        await own.Store.ExecuteSqlAsync("update usage_monthly set total_tokens = total_tokens + 1");
        (await own.Store.ReadNumberAsync(Wrong)).ShouldBe(4);
    }

    [Theory, OnEveryEngine]
    public async Task Days_and_libraries_add_up_to_their_month(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        foreach (var (library, day) in ((string?, int)[])[("pydantic", 1), ("pydantic", 2), ("django", 2), (null, 2)])
        {
            await account.Key.PostAsync(
                "/usage", new { event_type = "migration", library, tokens_used = 10, occurred_at = $"2026-11-0{day}T00:00:00Z" });
        }

        (await own.Store.ReadNumberAsync("select migrations from usage_daily where date = '2026-11-02'")).ShouldBe(3);
        (await own.Store.ReadNumberAsync("select sum(tokens) from usage_daily where month = '2026-11'")).ShouldBe(40);
        (await own.Store.ReadNumberAsync("select migrations from usage_libraries where library = 'pydantic'")).ShouldBe(2);
        (await own.Store.ReadNumberAsync("select sum(migrations) from usage_libraries where month = '2026-11'")).ShouldBe(4);
    }

    [Theory, OnEveryEngine]
    public async Task The_view_monthly_usage_has_the_seeds_columns_and_values(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        (string, string?)[] reported =
        [
            ("migration", "tier1"), ("migration", "tier2"), ("migration", "tier3"), ("migration", null), ("scan", "tier1"),
            ("llm_call", "tier2"),
        ];
        foreach (var (type, tier) in reported)
            await account.Key.PostAsync("/usage", new { event_type = type, tier, files_changed = 2, tokens_used = 10 });

        var row = await own.Store.ReadRowAsync("select * from monthly_usage");

        row.Keys.ShouldBe(["user_id", "month", "migrations", "tier1_migrations", "llm_migrations", "total_tokens", "total_files_changed"]);
        row["user_id"].ToString().ShouldBe(account.UserId.ToString());
        InstantOf(row["month"]).ShouldBe(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
        row.Skip(2).Select(column => Convert.ToInt64(column.Value)).ShouldBe([4, 1, 2, 60, 12]);
    }

    // Instants are microseconds in SQLite.
    private static DateTimeOffset InstantOf(object value) => value is DateTime instant
        ? new DateTimeOffset(instant)
        : DateTimeOffset.UnixEpoch.AddMicroseconds((long)value);

    private static async Task UseAsync(TestAccount account, Random random)
    {
        var earlier = new List<object>();
        for (var i = 0; i < 25; i++)
        {
            var usage = earlier.Count > 0 && random.Next(4) == 0 ? earlier[random.Next(earlier.Count)] : new
            {
                event_type = random.Next(3) == 0 ? "scan" : "migration",
                tier = (string?)(random.Next(4) is var tier and > 0 ? $"tier{tier}" : null),
                files_changed = random.Next(100),
                tokens_used = random.Next(100_000),
                occurred_at = random.Next(2) == 0 ? "2026-10-31T12:00:00Z" : "2026-11-01T12:00:00Z",
                id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()),
            };
            earlier.Add(usage);
            (await account.Key.PostAsync("/usage", usage)).Status.ShouldBe(200);
            if (random.Next(5) == 0)
                await account.CommitAsync(
                    (await account.ReserveAsync(quantity: 3)).Id(), new { quantity = random.Next(1, 4), tokens_used = 7 });
        }
    }
}
