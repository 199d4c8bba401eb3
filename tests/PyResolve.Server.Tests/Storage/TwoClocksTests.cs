using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyResolve.Server.Accounts;
using PyResolve.Server.Storage;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Leases;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>Two instances on one PostgreSQL. The clock of one machine is right, that of the other is not.</summary>
public sealed class TwoClocksTests(SharedServers servers)
{
    private const long HalfMinute = 30;
    private const long TenMinutes = 600;
    private const long TwoYears = 2 * 365 * 24 * 3600;

    public static TheoryData<long> Skews => [HalfMinute, -HalfMinute, TenMinutes, -TenMinutes, TwoYears, -TwoYears];

    [Theory, MemberData(nameof(Skews))]
    public async Task The_same_units_are_not_granted_twice(long skew)
    {
        await using var two = await Instances.StartAsync(servers, skew);
        var here = await TestAccount.SignUpAsync(two.Right.Http);
        var there = here.On(two.Wrong.Http);

        var held = await here.ReserveAsync(quantity: 5, ttlSeconds: 20);
        (await there.Key.GetAsync($"/quota/reservations/{held.Id()}"))["state"].GetString().ShouldBe("held");
        (await there.ReserveAsync(quantity: 5)).Status.ShouldBe(402);
        (await here.CommitAsync(held.Id())).Status.ShouldBe(200);
        (await there.QuotaAsync()).ShouldBe(new QuotaView(Used: 5, Held: 0, Remaining: 0));
        (await two.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(0);
        (await two.Store.ReadNumberAsync("select count(distinct month) from usage_monthly")).ShouldBe(1);
    }

    [Theory, MemberData(nameof(Skews))]
    public async Task A_reservation_ends_at_its_time_on_both(long skew)
    {
        await using var two = await Instances.StartAsync(servers, skew);
        var here = await TestAccount.SignUpAsync(two.Right.Http);
        var there = here.On(two.Wrong.Http);

        (await there.ReserveAsync(quantity: 5, ttlSeconds: 2)).Status.ShouldBe(201);
        (await here.ReserveAsync()).Status.ShouldBe(402);
        var waited = await Eventually.IsTrueAsync(
            async () => (await here.ReserveAsync()).Status == 201, cancellationToken: TestContext.Current.CancellationToken);

        waited.ShouldBeGreaterThan(TimeSpan.FromSeconds(1));
        waited.ShouldBeLessThan(TimeSpan.FromSeconds(8));
    }

    [Theory, MemberData(nameof(Skews))]
    public async Task Sessions_and_password_resets_are_valid_on_both(long skew)
    {
        await using var two = await Instances.StartAsync(servers, skew);
        var here = await TestAccount.SignUpAsync(two.Right.Http);
        var there = await TestAccount.SignUpAsync(two.Wrong.Http);

        (await here.On(two.Wrong.Http).Session.GetAsync("/auth/api-keys")).Status.ShouldBe(200);
        (await there.On(two.Right.Http).Session.GetAsync("/auth/api-keys")).Status.ShouldBe(200);
        var expiresAt = (await new Caller(two.Wrong.Http).PostAsync(
            "/auth/login", new { email = here.Email, password = TestAccount.Password }))["session_expires_at"].GetDateTimeOffset();
        (expiresAt - TimeProvider.System.GetUtcNow()).TotalDays.ShouldBe(30, tolerance: 0.01);
    }

    [Theory, MemberData(nameof(Skews))]
    public async Task A_device_that_polls_both_is_not_told_to_slow_down_and_gets_its_key(long skew)
    {
        await using var two = await Instances.StartAsync(servers, skew);
        var account = await TestAccount.SignUpAsync(two.Right.Http);
        var device = await Device.BeginAsync(two.Wrong.Http);
        await two.Store.ExecuteSqlAsync("update device_codes set interval_seconds = 2");
        var (here, there) = (device with { Http = new Caller(two.Right.Http) }, device);

        (await here.PollForErrorAsync()).ShouldBe("authorization_pending");
        await Task.Delay(TimeSpan.FromSeconds(2.2), TestContext.Current.CancellationToken);
        (await there.PollForErrorAsync()).ShouldBe("authorization_pending");
        var person = await Person.SignedInAsync(two.Right, account);
        await person.ApproveAsync(device.UserCode);
        await Task.Delay(TimeSpan.FromSeconds(2.2), TestContext.Current.CancellationToken);
        (await here.PollAsync()).Status.ShouldBe(200);
    }

    [Theory, MemberData(nameof(Skews))]
    public async Task A_lease_is_for_the_time_that_was_asked_for_and_keeps_its_units_until_then(long skew)
    {
        await using var two = await Instances.StartAsync(servers, skew, LeaseDriver.Settings());
        var here = await TestAccount.SignUpAsync(two.Right.Http);
        var there = here.On(two.Wrong.Http);
        (await here.Key.GetAsync("/quota")).Status.ShouldBe(200);

        var leased = await there.ReserveAsync(quantity: 3, ttlSeconds: 3600, machine: LeaseDriver.Machine);
        var claims = LeaseDriver.Claims(leased["lease"].GetString()!);

        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        (claims.GetProperty("exp").GetInt64() - now).ShouldBeInRange(3590, 3610);
        (claims.GetProperty("iat").GetInt64() - now).ShouldBeInRange(-10, 10);
        (await here.ReleaseAsync(leased.Id())).Status.ShouldBe(200);
        (await here.QuotaAsync()).Held.ShouldBe(3);
        (await there.QuotaAsync()).Held.ShouldBe(3);
    }

    [Theory, MemberData(nameof(Skews))]
    public async Task Retention_and_housekeeping_delete_what_is_old_and_nothing_else(long skew)
    {
        await using var two = await Instances.StartAsync(servers, skew, startsWrongLater: true);
        var here = await TestAccount.SignUpAsync(two.Right.Http);
        for (var i = 0; i < 5; i++)
            (await here.Key.PostAsync("/usage", new { event_type = "migration" })).Status.ShouldBe(200);
        await two.Store.ExecuteSqlAsync(OldRows(here.UserId));

        var wrong = await two.StartWrongAsync(new Dictionary<string, string?> { ["PyResolve:Usage:RetentionMonths"] = "3" });
        await wrong.Background<UsageRetention>().DeleteOldAsync(TestContext.Current.CancellationToken);
        await wrong.Background<Housekeeping>().DeleteOldAsync(TestContext.Current.CancellationToken);

        (await two.Store.ReadSqlAsync("select string_agg(distinct event_type, ' ') from usage_events")).ShouldBe("migration");
        (await two.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(5);
        (await two.Store.ReadSqlAsync("select string_agg(subject, ' ') from attempts where kind = 'test'")).ShouldBe("new");
        (await two.Store.ReadNumberAsync("select count(*) from sessions where expires_at < now()")).ShouldBe(0);
        (await two.Store.ReadNumberAsync("select count(*) from sessions")).ShouldBe(2);
        (await here.On(wrong.Http).Session.GetAsync("/auth/api-keys")).Status.ShouldBe(200);
    }

    [Theory, MemberData(nameof(Skews))]
    public async Task Work_that_one_instance_has_leased_is_not_taken_by_the_other(long skew)
    {
        await using var two = await Instances.StartAsync(servers, skew);
        await two.Store.ExecuteSqlAsync(
            "create table works (id integer, lease_owner uuid, lease_until timestamptz); insert into works (id) values (1)");

        (await TakeAsync(two.Right)).ShouldBe(1);
        (await TakeAsync(two.Wrong)).ShouldBe(0);

        static Task<int> TakeAsync(TestServer server)
        {
            var (database, time) = (server.Services.GetRequiredService<Database>(), server.Services.GetRequiredService<TimeProvider>());
            var lease = new StoreLease(database, "works", $"id = {1}", TimeSpan.FromSeconds(15), time);
            return database.ExecuteAsync($"update works set {lease.Take} where {lease.IsFree}", default);
        }
    }

    /// <summary>What is old beside what is not. Age counts from the newest event and session that were stored a day ago.</summary>
    private static string OldRows(Guid userId) =>
        $"""
        update usage_events set created_at = now() - interval '2 days';
        insert into usage_events (user_id, event_type, month, created_at)
        values ('{userId}', 'old', to_char(now() - interval '5 months', 'YYYY-MM'), now() - interval '5 months');
        insert into usage_monthly (user_id, month) values ('{userId}', to_char(now() - interval '5 months', 'YYYY-MM'));
        insert into attempts (id, kind, subject, at) values
            (gen_random_uuid(), 'test', 'old', now() - interval '2 days'), (gen_random_uuid(), 'test', 'new', now());
        insert into sessions (id, user_id, token_digest, created_at, expires_at) values
            ('00000000-0000-7000-8000-000000000001', '{userId}', 'ended', now() - interval '70 days', now() - interval '40 days'),
            ('00000000-0000-7000-8000-000000000002', '{userId}', 'valid', now() - interval '2 days', now() + interval '28 days');
        """;

    private sealed class Instances(TestStore store, long skew) : IAsyncDisposable
    {
        private readonly List<TestServer> _started = [];

        public TestStore Store => store;

        public TestServer Right => _started[0];

        public TestServer Wrong => _started[1];

        public static async Task<Instances> StartAsync(
            SharedServers servers, long skew, IReadOnlyDictionary<string, string?>? settings = null, bool startsWrongLater = false)
        {
            var instances = new Instances(await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres), skew);
            await instances.StartAsync(TimeSpan.Zero, settings);
            if (!startsWrongLater)
                await instances.StartWrongAsync(settings);
            return instances;
        }

        public Task<TestServer> StartWrongAsync(IReadOnlyDictionary<string, string?>? settings) =>
            StartAsync(TimeSpan.FromSeconds(skew), settings);

        public async ValueTask DisposeAsync()
        {
            foreach (var server in _started)
                await server.DisposeAsync();
            await store.DisposeAsync();
        }

        // The server's own clock, which follows the database's, on a machine that is set wrong.
        private async Task<TestServer> StartAsync(TimeSpan ahead, IReadOnlyDictionary<string, string?>? settings)
        {
            var server = await TestServer.StartAsync(store, settings, replace: services => services
                .Replace(ServiceDescriptor.Singleton<TimeProvider>(
                    provider => provider.GetRequiredService<Database>().Engine.CreateClock(new SkewedClock(ahead)))));
            _started.Add(server);
            return server;
        }
    }
}
