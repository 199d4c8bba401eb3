namespace PyResolve.Server.Tests.Quota;

/// <summary>Concurrent requests, on several instances, never get more than the plan's limit.</summary>
[Trait("Category", "Proof")]
public sealed class QuotaRaceTests(SharedServers servers)
{
    private const int Clients = 200;

    [Theory, OnEveryEngine]
    public async Task Two_hundred_clients_get_exactly_five_reservations(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var first = await TestServer.StartAsync(store);
        // Only PostgreSQL serves several instances.
        await using var second = engine is not StorageEngine.Sqlite ? await TestServer.StartAsync(store) : null;
        var account = await TestAccount.SignUpAsync(first.Http);
        TestAccount[] doors = second is null ? [account] : [account, account.On(second.Http)];

        var granted = await RaceAsync(doors);

        granted.ShouldBe(5);
        (await store.ReadNumberAsync("select held from usage_monthly")).ShouldBe(5);
        (await store.ReadNumberAsync("select sum(remaining) from reservations")).ShouldBe(5);
        Proofs.Report(
            "Racing reservations",
            $"{engine}, {doors.Length} instance(s): {Clients} clients, {granted} reservations granted of a limit of 5.");
    }

    [Fact]
    public async Task Two_processes_on_one_PostgreSQL_grant_exactly_five()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        var starts = await Task.WhenAll(
            ServerProcess.StartAsync(store.Settings, cancellation), ServerProcess.StartAsync(store.Settings, cancellation));
        await using var first = starts[0];
        await using var second = starts[1];
        var account = await TestAccount.SignUpAsync(first.Http);

        var granted = await RaceAsync([account, account.On(second.Http)]);

        granted.ShouldBe(5);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 5, Remaining: 0));
        Proofs.Report("Racing reservations", $"Postgres, 2 processes: {Clients} clients, {granted} reservations granted of a limit of 5.");
    }

    [Theory, OnEveryEngine]
    public async Task Random_reservations_commits_and_releases_never_exceed_the_limit_and_add_up(StorageEngine engine)
    {
        const int Limit = 50;
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var first = await TestServer.StartAsync(store);
        await using var second = engine is not StorageEngine.Sqlite ? await TestServer.StartAsync(store) : null;
        var account = await TestAccount.SignUpAsync(first.Http);
        await store.ExecuteSqlAsync("update profiles set plan = 'pro'");
        TestAccount[] doors = second is null ? [account] : [account, account.On(second.Http)];
        var seen = new Tally();

        await Task.WhenAll(Enumerable.Range(0, 20).Select(client => WorkAsync(doors[client % doors.Length], new Random(client), seen)));

        seen.HighestSeen.ShouldBeLessThanOrEqualTo(Limit);
        seen.HighestSum.ShouldBeLessThanOrEqualTo(Limit);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(seen.Used, seen.Held, Limit - seen.Used - seen.Held));
        (await store.ReadNumberAsync("select coalesce(sum(quantity), 0) from usage_events")).ShouldBe(seen.Used);
        (await store.ReadNumberAsync("select coalesce(sum(remaining), 0) from reservations where state = 'held'")).ShouldBe(seen.Held);
        (await store.ReadNumberAsync("select max(used_before + held_before + quantity) from reservations"))
            .ShouldBeLessThanOrEqualTo(Limit);
        seen.Refused.ShouldBeGreaterThan(0);
        Proofs.Report(
            "Racing reservations",
            $"{engine}: {seen.Granted} reservations of 1 to 5 units granted, {seen.Refused} refused; {seen.Used} used + {seen.Held} "
            + $"held of {Limit}, as the clients saw it.");
    }

    [Theory, OnEveryEngine]
    public async Task Commits_of_one_reservation_that_race_record_one_event(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.WarmUpAsync();
        var id = (await account.ReserveAsync(quantity: 2)).Id();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => account.CommitAsync(id, new { files_changed = 1 })));

        answers.ShouldAllBe(answer => answer.Status == 200);
        answers.Select(answer => answer["usage_event_id"].GetGuid()).Distinct().Count().ShouldBe(1);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
    }

    [Theory, OnEveryEngine]
    public async Task A_commit_and_releases_that_race_settle_a_reservation_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.WarmUpAsync();
        var id = (await account.ReserveAsync(quantity: 2)).Id();

        var commit = account.CommitAsync(id);
        var releases = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => account.Key.DeleteAsync($"/quota/reservations/{id}")));

        (await commit).Status.ShouldBe(200);
        releases.ShouldAllBe(answer => answer.Status == 200 || answer.Status == 409);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
    }

    [Theory, OnEveryEngine]
    public async Task Events_that_race_for_the_last_unit_of_a_reservation_spend_it_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.WarmUpAsync();
        var id = (await account.ReserveAsync()).Id();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20)
            .Select(_ => account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1", reservation_id = id })));

        answers.ShouldAllBe(answer => answer.Status == 200);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where not late")).ShouldBe(1);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 20, Held: 0, Remaining: 0));
    }

    private static async Task<int> RaceAsync(TestAccount[] doors)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => doors[client % doors.Length].ReserveAsync()));
        answers.ShouldAllBe(answer => answer.Status == 201 || (answer.Status == 402 && answer.Code == "quota_exceeded"));
        return answers.Count(answer => answer.Status == 201);
    }

    private static async Task WorkAsync(TestAccount account, Random random, Tally seen)
    {
        for (var round = 0; round < Scale.Pick(10, 100); round++)
        {
            var quantity = random.Next(1, 6);
            var reservation = await account.ReserveAsync(quantity);
            reservation.Status.ShouldBeOneOf(201, 402);
            if (reservation.Status == 402)
            {
                seen.Refuse();
                continue;
            }

            seen.Grant(quantity, reservation["quota"]);
            // Few commits, or the quota is used up before anything can race for it.
            var choice = random.Next(20);
            if (choice == 0)
            {
                var used = random.Next(1, quantity + 1);
                seen.Commit(used, quantity);
                (await account.CommitAsync(reservation.Id(), new { quantity = used })).Status.ShouldBe(200);
            }
            else if (choice < 19)
            {
                seen.Release(quantity);
                (await account.Key.DeleteAsync($"/quota/reservations/{reservation.Id()}")).Status.ShouldBe(200);
            }
        }
    }

    /// <summary>
    /// Sums of the clients' answers. Units are subtracted before their return is requested, so that the server never has fewer than this.
    /// </summary>
    private sealed class Tally
    {
        private readonly Lock _gate = new();

        public int Granted { get; private set; }

        public int Refused { get; private set; }

        public long Used { get; private set; }

        public long Held { get; private set; }

        /// <summary>By the receipts.</summary>
        public long HighestSeen { get; private set; }

        /// <summary>By the clients' own sums.</summary>
        public long HighestSum { get; private set; }

        public void Refuse()
        {
            lock (_gate)
                Refused++;
        }

        public void Grant(int quantity, System.Text.Json.JsonElement quota)
        {
            lock (_gate)
            {
                Granted++;
                Held += quantity;
                HighestSum = Math.Max(HighestSum, Used + Held);
                HighestSeen = Math.Max(
                    HighestSeen, quota.GetProperty("migrations_used").GetInt64() + quota.GetProperty("migrations_held").GetInt64());
            }
        }

        public void Commit(int used, int quantity)
        {
            lock (_gate)
            {
                Used += used;
                Held -= quantity;
            }
        }

        public void Release(int quantity)
        {
            lock (_gate)
                Held -= quantity;
        }
    }
}
