using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Keys;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>Background work that goes on in batches finishes also when its last batch is exactly full.</summary>
public sealed class FullBatchTests(SharedServers servers)
{
    private static readonly int[] AroundAThousand = [999, 1_000, 1_001, 2_000];

    [Theory, OnBothEngines]
    public async Task Retention_deletes_months_that_fill_its_batches_exactly(StorageEngine engine)
    {
        foreach (var count in AroundAThousand)
        {
            await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
            await using (var server = await TestServer.StartAsync(store, clock: ClockAt(7, 15)))
            {
                var account = await TestAccount.SignUpAsync(server.Http);
                for (var left = count; left > 0; left -= 1_000)
                {
                    var events = Enumerable.Repeat(new { event_type = "migration" }, Math.Min(left, 1_000));
                    (await account.Key.PostAsync("/usage/batch", new { events })).Status.ShouldBe(200);
                }
            }

            // Retention counts from the newest month in which there was usage.
            await using (var server = await TestServer.StartAsync(store, clock: ClockAt(11, 10)))
            {
                var account = await TestAccount.SignUpAsync(server.Http);
                (await account.Key.PostAsync("/usage", new { event_type = "migration" })).Status.ShouldBe(200);
            }

            var settings = new Dictionary<string, string?> { ["PyResolve:Usage:RetentionMonths"] = "3" };
            await using var later = await TestServer.StartAsync(store, settings, ClockAt(11, 15));
            await Eventually.IsTrueAsync(
                async () =>
                {
                    later.Clock.Advance(UsageRetention.Pause);
                    return await store.ReadNumberAsync("select count(*) from usage_events") == 1;
                },
                cancellationToken: TestContext.Current.CancellationToken);
            (await store.ReadNumberAsync("select sum(migrations) from usage_monthly")).ShouldBe(count + 1);
        }
    }

    [Theory, OnBothEngines]
    public async Task Old_attempts_that_fill_a_batch_exactly_are_all_deleted(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        foreach (var count in (int[])[499, 500, 501, 1_000])
        {
            var (id, at) = engine is StorageEngine.Postgres
                ? ("cast(lpad(to_hex(i), 32, '0') as uuid)", "timestamptz '2026-01-01T00:00:00Z'")
                : ("'00000000-0000-0000-0000-' || printf('%012x', i)", "0");
            await own.Store.ExecuteSqlAsync(
                $"""
                insert into attempts (id, kind, subject, at)
                with recursive numbers (i) as (select 1 union all select i + 1 from numbers where i < {count})
                select {id}, 'login.account', 'old', {at} from numbers
                """);
            await using var restarted = await TestServer.StartAsync(own.Store);

            await Eventually.IsTrueAsync(
                async () => await own.Store.ReadNumberAsync("select count(*) from attempts where subject = 'old'") == 0,
                cancellationToken: TestContext.Current.CancellationToken);
        }
    }

    [Theory, OnBothEngines]
    public async Task A_starting_server_loads_all_keys_when_they_fill_its_pages_exactly(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync();
        var (id, digest) = engine is StorageEngine.Postgres
            ? ("cast(lpad(to_hex(i), 32, '0') as uuid)", "sha256(cast(cast(i as text) as bytea))")
            : ("'00000000-0000-0000-0000-' || printf('%012x', i)", "randomblob(32)");
        var made = 1;
        foreach (var count in AroundAThousand)
        {
            await own.Store.ExecuteSqlAsync(
                $"""
                insert into api_keys (id, user_id, key_hash, key_digest, key_prefix, created_at)
                with recursive numbers (i) as (select {made} union all select i + 1 from numbers where i < {count - 1})
                select {id}, k.user_id, k.key_hash, {digest}, 'pyr_live_' || (10000000000 + i), k.created_at
                from numbers, (select * from api_keys order by id desc limit 1) k
                """);
            made = count;
            await using var restarted = await TestServer.StartAsync(own.Store, clock: own.Clock);
            var verified = restarted.Services.GetRequiredService<VerifiedKeyCache>();

            await Eventually.IsTrueAsync(() => verified.Count == count, cancellationToken: TestContext.Current.CancellationToken);
        }
    }

    private static TestClock ClockAt(int month, int day) => new(new DateTimeOffset(2026, month, day, 12, 0, 0, TimeSpan.Zero));
}
