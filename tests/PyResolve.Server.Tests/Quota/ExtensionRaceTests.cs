using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Quota;

/// <summary>Extensions that race with what ends a reservation, on several instances.</summary>
[Trait("Category", "Proof")]
public sealed class ExtensionRaceTests(SharedServers servers)
{
    private const int Rounds = 20;

    [Theory, OnEveryEngine]
    public async Task Extensions_that_race_a_commit_or_a_release_leave_its_result(StorageEngine engine)
    {
        await using var two = await Instances.StartAsync(engine, servers);
        for (var round = 0; round < Rounds; round++)
        {
            var id = (await two.Here.ReserveAsync(ttlSeconds: 60)).Id();
            var isCommit = round % 2 == 0;

            var settle = isCommit ? two.Here.CommitAsync(id) : two.Here.ReleaseAsync(id);
            var extensions = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => two.Doors[i % 2].ExtendAsync(id, 600)));

            (await settle).Status.ShouldBe(200);
            extensions.ShouldAllBe(answer => answer.Status == 200 || answer.Status == 409);
            (await two.There.ExtendAsync(id, 600)).ShouldBeProblem(409, "conflict");
            (await two.There.Key.GetAsync($"/quota/reservations/{id}"))["state"].GetString().ShouldBe(isCommit ? "committed" : "released");
        }

        (await two.Store.ReadNumberAsync("select sum(held) from usage_monthly")).ShouldBe(0);
        (await two.Here.Key.GetAsync("/quota"))["migrations_used"].GetInt64().ShouldBe(Rounds / 2);
    }

    /// <summary>Both take the units of a reservation whose end is now: its holder by extending it, another by a new reservation.</summary>
    [Theory, OnEveryEngine]
    public async Task At_the_end_of_a_reservation_its_units_go_to_its_holder_or_to_another_and_never_to_both(StorageEngine engine)
    {
        await using var two = await Instances.StartAsync(engine, servers);
        await two.Store.ExecuteSqlAsync("update profiles set plan = 'free'");
        var (extended, granted) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var id = (await two.Here.ReserveAsync(5, ttlSeconds: 10, onceKey: "work")).Id();
            two.Clock.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromMilliseconds(1));

            var extend = two.Here.ExtendAsync(id, 10);
            var reserve = two.There.ReserveAsync(5, ttlSeconds: 10, onceKey: "other");
            two.Clock.Advance(TimeSpan.FromMilliseconds(1));
            var (first, second) = (await extend, await reserve);

            first.Status.ShouldBeOneOf(200, 409);
            second.Status.ShouldBeOneOf(201, 402);
            (first.Status == 200 && second.Status == 201).ShouldBeFalse();
            extended += first.Status == 200 ? 1 : 0;
            granted += second.Status == 201 ? 1 : 0;
            (await two.Store.ReadNumberAsync("select sum(remaining) from reservations")).ShouldBeLessThanOrEqualTo(5);
            two.Clock.Advance(TimeSpan.FromSeconds(20));
            await Eventually.HoldsAsync(async () =>
            {
                two.Clock.Advance(TimeSpan.FromSeconds(1));
                (await two.Store.ReadNumberAsync("select sum(held) from usage_monthly")).ShouldBe(0);
            }, cancellationToken: TestContext.Current.CancellationToken);
        }

        (await two.Store.ReadNumberAsync("select count(*) from reservations where state = 'held'")).ShouldBe(0);
        Proofs.Report(
            "Racing extensions",
            $"{engine}: in {Rounds} races at the end of a reservation, {extended} holders extended it, {granted} others got its units.");
    }

    /// <summary>Two instances on PostgreSQL, one on SQLite, which serves one only.</summary>
    private sealed class Instances(TestStore store, TestServer first, TestServer? second, TestAccount here) : IAsyncDisposable
    {
        public TestStore Store => store;

        public TestClock Clock => first.Clock;

        public TestAccount Here => here;

        public TestAccount There { get; } = second is null ? here : here.On(second.Http);

        public TestAccount[] Doors => [Here, There];

        public static async Task<Instances> StartAsync(StorageEngine engine, SharedServers servers)
        {
            var store = await TestStore.CreateAsync(engine, servers.Postgres);
            var first = await TestServer.StartAsync(store);
            var second = engine is not StorageEngine.Sqlite ? await TestServer.StartAsync(store, clock: first.Clock) : null;
            var account = await TestAccount.SignUpAsync(first.Http);
            await account.WarmUpAsync();
            await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
            return new Instances(store, first, second, account);
        }

        public async ValueTask DisposeAsync()
        {
            if (second is not null)
                await second.DisposeAsync();
            await first.DisposeAsync();
            await store.DisposeAsync();
        }
    }
}
