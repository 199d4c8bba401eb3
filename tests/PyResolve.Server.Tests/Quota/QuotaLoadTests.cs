using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Quota;

/// <summary>
/// Many concurrent clients on one account, through two instances where the engine allows: commits, releases, timeouts and retries,
/// expiries, the end of a month and changes of plan, all at random. Every grant is within its limit, and the server's final figures are
/// the clients'.
/// </summary>
[Trait("Category", "Proof")]
public sealed class QuotaLoadTests(SharedServers servers)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(20);
    private static readonly string[] Plans = ["free", "pro", "unlimited", "free", "pro"];

    [Theory, OnBothEngines]
    public Task A_limit_of_one_is_kept_under_load(StorageEngine engine) => ProveAsync(engine, limit: 1, mostUnits: 1);

    [Theory, OnBothEngines]
    public Task A_limit_of_fifty_is_kept_under_load_for_single_units(StorageEngine engine) => ProveAsync(engine, limit: 50, mostUnits: 1);

    [Theory, OnBothEngines]
    public Task A_limit_of_a_thousand_is_kept_under_load_for_many_units(StorageEngine engine) =>
        ProveAsync(engine, limit: 1_000, mostUnits: 40);

    [Theory, OnBothEngines]
    public async Task The_clients_never_have_more_units_than_the_limit(StorageEngine engine)
    {
        const int Limit = 200;
        var settings = new Dictionary<string, string?> { ["PyResolve:Plans:free:MigrationsLimit"] = $"{Limit}" };
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var first = await TestServer.StartAsync(store, settings);
        await using var second = engine is StorageEngine.Postgres ? await TestServer.StartAsync(store, settings, first.Clock) : null;
        var account = await TestAccount.SignUpAsync(first.Http);
        TestAccount[] doors = second is null ? [account] : [account, account.On(second.Http)];
        var counter = new UnitCounter();
        var seeds = Enumerable.Range(0, Scale.Pick(60, 1_000));
        ImpatientClient[] clients = [.. seeds.Select(seed => new ImpatientClient(doors, new Random(seed), mostUnits: 9, counter))];

        await Task.WhenAll(clients.Select(client => client.WorkAsync(Scale.Pick(4, 10))));

        counter.Most.ShouldBeInRange(Limit / 2, Limit);
        Proofs.Report("Quota under load", $"{engine}, {doors.Length} instance(s), limit {Limit}: {clients.Length} clients, "
            + $"{clients.Sum(client => client.Granted):N0} grants, {clients.Sum(client => client.Refused):N0} refusals; by the clients' "
            + $"own count at most {counter.Most} units were alive at once.");
    }

    private async Task ProveAsync(StorageEngine engine, int limit, int mostUnits)
    {
        var clock = new TestClock(new DateTimeOffset(2026, 11, 30, 23, 58, 30, TimeSpan.Zero));
        var settings = new Dictionary<string, string?>
        {
            ["PyResolve:Plans:free:MigrationsLimit"] = $"{limit}",
            ["PyResolve:Plans:pro:MigrationsLimit"] = $"{2 * limit}",
        };
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var first = await TestServer.StartAsync(store, settings, clock);
        await using var second = engine is StorageEngine.Postgres ? await TestServer.StartAsync(store, settings, clock) : null;
        var account = await TestAccount.SignUpAsync(first.Http);
        TestAccount[] doors = second is null ? [account] : [account, account.On(second.Http)];
        ImpatientClient[] clients =
            [.. Enumerable.Range(0, Scale.Pick(100, 1_000)).Select(seed => new ImpatientClient(doors, new Random(seed), mostUnits))];

        var work = Task.WhenAll(clients.Select(client => client.WorkAsync(Scale.Pick(6, 20))));
        await DisturbAsync(work, clock, store);
        await work;
        await store.ExecuteSqlAsync("update profiles set plan = 'free'");

        await ShouldAgreeAsync(account, store, clients, clock.GetUtcNow());
        clock.Advance(TimeSpan.FromHours(1));
        (await account.QuotaAsync()).Held.ShouldBe(0);
        var late = await store.ReadNumberAsync("select coalesce(sum(quantity), 0) from usage_events where late");
        Proofs.Report("Quota under load", $"{engine}, {doors.Length} instance(s), limit {limit}, up to {mostUnits} units: "
            + $"{clients.Length} clients, "
            + $"{clients.Sum(client => client.Granted):N0} grants all within the limit, "
            + $"{clients.Sum(client => client.Refused):N0} refusals, "
            + $"{clients.Sum(client => client.Abandoned):N0} requests abandoned and repeated, "
            + $"{clients.Sum(client => client.Deferred):N0} answered 503 and repeated, "
            + $"{clients.Sum(client => client.Used):N0} used, {late:N0} of them late.");
    }

    /// <summary>Advances the clock past the end of the month and changes the plan while the clients work.</summary>
    private static async Task DisturbAsync(Task work, TestClock clock, TestStore store)
    {
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var tick = 0; !work.IsCompleted && await ticks.WaitForNextTickAsync(TestContext.Current.CancellationToken); tick++)
        {
            clock.Advance(Step);
            await store.ExecuteSqlAsync($"update profiles set plan = '{Plans[tick % Plans.Length]}'");
        }
    }

    private static async Task ShouldAgreeAsync(TestAccount account, TestStore store, ImpatientClient[] clients, DateTimeOffset now)
    {
        (await store.ReadNumberAsync("select count(*) from reservations where used_before + held_before + quantity > plan_limit"))
            .ShouldBe(0);
        var doubtful = string.Join(", ", clients.SelectMany(client => client.Doubtful).Append("none").Select(key => $"'{key}'"));
        (await store.ReadNumberAsync($"select count(*) from reservations where idempotency_key not in ({doubtful})"))
            .ShouldBe(clients.Sum(client => client.Granted));
        (await store.ReadNumberAsync("select coalesce(sum(migrations), 0) from usage_monthly"))
            .ShouldBe(clients.Sum(client => client.Used));
        (await store.ReadNumberAsync("select coalesce(sum(quantity), 0) from usage_events")).ShouldBe(clients.Sum(client => client.Used));

        var quota = (await account.Key.GetAsync("/quota")).Body;
        var month = quota.GetProperty("month").GetString();
        var held = clients.SelectMany(client => client.Open)
            .Where(reservation => reservation.Month == month && reservation.ExpiresAt > now)
            .Sum(reservation => reservation.Quantity);
        var heldByDoubtful = await store.ReadNumberAsync(
            $"select coalesce(sum(remaining), 0) from reservations where state = 'held' and month = '{month}' and idempotency_key in "
            + $"({doubtful}) and expires_at > {Instant(store, now)}");
        quota.GetProperty("migrations_held").GetInt64().ShouldBe(held + heldByDoubtful);
    }

    private static string Instant(TestStore store, DateTimeOffset instant) => store.Engine is StorageEngine.Postgres
        ? $"'{instant:O}'"
        : $"{(instant - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond}";
}
