using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Tests.Usage;

public sealed class RetentionTests(SharedServers servers)
{
    private static readonly Dictionary<string, string?> ThreeMonths = new() { ["PyResolve:Usage:RetentionMonths"] = "3" };

    [Theory, OnEveryEngine]
    public async Task Events_older_than_the_months_kept_are_deleted_and_their_rollups_stay(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        TestAccount[] accounts;
        await using (var server = await StartAtAsync(store, "2026-07-15T12:00:00Z"))
        {
            accounts = [await TestAccount.SignUpAsync(server.Http), await TestAccount.SignUpAsync(server.Http)];
            await RecordAsync(accounts, month: 7, events: 1_200);
        }

        await using (var server = await StartAtAsync(store, "2026-08-15T12:00:00Z"))
            await RecordAsync([.. accounts.Select(account => account.On(server.Http))], month: 8, events: 10);
        await UseAsync(store, accounts[0], "2026-10-20T12:00:00Z");
        await using (await StartAtAsync(store, "2026-10-31T23:00:00Z"))
        {
            await Eventually.IsTrueAsync(
                async () => await store.ReadNumberAsync("select count(*) from usage_retention where deleted_before = '2026-07'") == 1,
                cancellationToken: TestContext.Current.CancellationToken);
            (await store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(2_421);
        }

        await UseAsync(store, accounts[0], "2026-11-01T00:00:00Z");
        await using (var server = await StartAtAsync(store, "2026-11-02T12:00:00Z"))
            await DeletedAsync(store, server.Clock, UsageRetention.Pause);

        (await store.ReadNumberAsync("select count(*) from usage_events where month = '2026-08'")).ShouldBe(20);
        (await store.ReadNumberAsync("select sum(migrations) from usage_monthly where month = '2026-07'")).ShouldBe(2_400);
        (await store.ReadNumberAsync("select sum(migrations) from usage_daily where month = '2026-07'")).ShouldBe(2_400);
        (await store.ReadSqlAsync("select deleted_before from usage_retention")).ShouldBe("2026-08");
    }

    [Theory, OnEveryEngine]
    public async Task An_instance_leaves_the_work_to_the_one_that_claimed_it_until_its_claim_ends(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt: "2026-07-15T12:00:00Z", settings: ThreeMonths);
        var account = await own.SignUpAsync();
        await RecordAsync([account], month: 7, events: 5);
        await UseAsync(own.Store, account, "2026-11-10T12:00:00Z");
        await own.Store.ExecuteSqlAsync(engine is not StorageEngine.Sqlite
            ? "update usage_retention set claimed_by = '019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90', claimed_until = '2026-11-15T12:04:00Z'"
            : "update usage_retention set claimed_by = '019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90', claimed_until = "
                + "unixepoch('2026-11-15T12:04:00Z') * 1000000");
        var clock = new TestClock();
        using var retention = Retention(own.Server, clock);

        var pass = retention.DeleteOldAsync(TestContext.Current.CancellationToken);
        await Eventually.IsTrueAsync(
            () => clock.PendingTimers == 1 || pass.IsCompleted, cancellationToken: TestContext.Current.CancellationToken);
        pass.IsCompleted.ShouldBeFalse();
        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(6);

        // The claim may be that of an instance that died: it is tried again when it ends, long before the next interval.
        clock.Advance(TimeSpan.FromMinutes(5));
        await Eventually.IsTrueAsync(
            () =>
            {
                clock.Advance(UsageRetention.Pause);
                return pass.IsCompleted;
            },
            cancellationToken: TestContext.Current.CancellationToken);
        await pass;
        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task A_deleted_month_is_not_read_again_until_the_next_one_is_deleted(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt: "2026-07-15T12:00:00Z", settings: ThreeMonths);
        var account = await own.SignUpAsync();
        await RecordAsync([account], month: 7, events: 5);
        await UseAsync(own.Store, account, "2026-11-20T12:00:00Z");
        await UseAsync(own.Store, account, "2026-12-01T00:00:00Z");
        // A separate clock, so that nothing else runs through the following days.
        var clock = new TestClock(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
        using var retention = Retention(own.Server, clock);
        await retention.StartAsync(TestContext.Current.CancellationToken);
        await DeletedAsync(own.Store, clock, UsageRetention.Pause);

        await RecordAsync([account], month: 7, events: 1);
        await DeletedAsync(own.Store, clock, UsageRetention.Interval / 12);

        clock.GetUtcNow().ShouldBeGreaterThanOrEqualTo(new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero));
        await retention.StopAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>A later event may have the id of one that is deleted.</summary>
    [Theory, OnBothEngines]
    public async Task What_was_reported_to_Stripe_of_deleted_events_is_forgotten_with_them(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt: "2026-07-15T12:00:00Z");
        var account = await own.SignUpAsync();
        await RecordAsync([account], month: 7, events: 5);
        await own.Store.ExecuteSqlAsync(
            """
            insert into meter_events (identifier, user_id, event_id, plan, units, created_at, due_at, sent_at)
            select cast(id as text), user_id, id, 'pro', 1, created_at, created_at, created_at from usage_events
            """);
        await UseAsync(own.Store, account, "2026-11-20T12:00:00Z");

        await using var server = await StartAtAsync(own.Store, "2026-11-29T12:00:00Z");
        await DeletedAsync(own.Store, server.Clock, UsageRetention.Pause);

        (await own.Store.ReadNumberAsync("select count(*) from meter_events")).ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task A_clock_that_is_two_years_ahead_deletes_neither_events_nor_sessions(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await RecordAsync([account], month: 11, events: 5);
        (await own.Server.Anonymous.PostAsync("/auth/login", new { email = account.Email, password = "a wrong password" })).Status
            .ShouldBe(401);
        var clock = new TestClock(new DateTimeOffset(2028, 11, 15, 12, 0, 0, TimeSpan.Zero));

        await using var wrong = await TestServer.StartAsync(own.Store, ThreeMonths, clock);
        (await account.On(wrong.Http).Key.PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(200);
        // Both passes have run: an attempt is nothing that must be kept.
        await Eventually.IsTrueAsync(
            async () => await own.Store.ReadNumberAsync("select count(*) from attempts") == 0
                && await own.Store.ReadNumberAsync("select count(*) from usage_retention where deleted_before = '2026-08'") == 1,
            cancellationToken: TestContext.Current.CancellationToken);

        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(6);
        (await account.Session.GetAsync("/auth/api-keys")).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("2")]
    [InlineData("0")]
    [InlineData("forever")]
    public async Task Fewer_than_three_months_are_refused_at_start(string months)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);

        var failure = await Should.ThrowAsync<InvalidConfigurationException>(
            () => TestServer.StartAsync(store, new Dictionary<string, string?> { ["PyResolve:Usage:RetentionMonths"] = months }));

        failure.Message.ShouldContain("PyResolve:Usage:RetentionMonths");
        failure.Message.ShouldContain("from 3 to 1200");
    }

    private static UsageRetention Retention(TestServer server, TestClock clock) => new(
        server.Services.GetRequiredService<Database>(),
        server.Services.GetRequiredService<ServerOptions>(),
        clock,
        NullLogger<UsageRetention>.Instance);

    /// <summary>The newest month in which there was usage is what retention counts from.</summary>
    private static async Task UseAsync(TestStore store, TestAccount account, string instant)
    {
        await using var server = await TestServer.StartAsync(
            store, clock: new TestClock(DateTimeOffset.Parse(instant, System.Globalization.CultureInfo.InvariantCulture)));
        (await account.On(server.Http).Key.PostAsync("/usage", new { event_type = "migration" })).Status.ShouldBe(200);
    }

    /// <summary>A server whose first pass starts at this instant.</summary>
    private static Task<TestServer> StartAtAsync(TestStore store, string instant) =>
        TestServer.StartAsync(
            store, ThreeMonths, new TestClock(DateTimeOffset.Parse(instant, System.Globalization.CultureInfo.InvariantCulture)));

    private static Task<TimeSpan> DeletedAsync(TestStore store, TestClock clock, TimeSpan step) => Eventually.IsTrueAsync(async () =>
    {
        clock.Advance(step);
        return await store.ReadNumberAsync("select count(*) from usage_events where month = '2026-07'") == 0;
    }, cancellationToken: TestContext.Current.CancellationToken);

    private static async Task RecordAsync(TestAccount[] accounts, int month, int events)
    {
        foreach (var account in accounts)
        {
            for (var left = events; left > 0; left -= 1_000)
            {
                var batch = Enumerable.Repeat(
                    new { event_type = "migration", occurred_at = $"2026-{month:00}-14T00:00:00Z" }, Math.Min(left, 1_000));
                (await account.Key.PostAsync("/usage/batch", new { events = batch })).Status.ShouldBe(200);
            }
        }
    }
}
