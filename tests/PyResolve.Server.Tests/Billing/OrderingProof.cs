using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Billing.Stripe;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// Every order of a lifecycle's events, each sent to two instances at once, while the state at Stripe moves on between deliveries, people
/// come back from the portal, and Stripe answers slowly: the plan at the end is the right one.
/// </summary>
[Trait("Category", "Proof")]
public sealed class OrderingProof(SharedServers servers)
{
    private static readonly StripeSubscription Pro = Subscriptions.Pro();
    private static readonly StripeSubscription Unlimited = Subscriptions.Unlimited();

    private static readonly (StripeSubscription[][] States, string Plan)[] Lifecycles =
    [
        ([[Pro], [Unlimited], [Pro], [Pro with { CancelAtPeriodEnd = true }], [Pro], [Pro.Cancelled()]], "free"),
        ([[Pro with { Status = "trialing" }], [Pro], [Pro with { Status = "past_due" }], [Pro], [Unlimited], [Pro]], "pro"),
        ([[Pro with { Status = "incomplete" }], [Pro], [Pro with { Status = "unpaid" }], [Pro.Cancelled()], [Pro.Cancelled(), Subscriptions.Pro(id: "sub_2")],
          [Pro.Cancelled(), Subscriptions.Unlimited(id: "sub_2")]], "unlimited"),
        ([[Unlimited], [Unlimited with { Status = "past_due" }], [Unlimited with { Status = "unpaid" }], [Unlimited], [Unlimited with { CancelAt = Subscriptions.PeriodEnd }]], "unlimited"),
        ([[Pro], [Pro with { Status = "paused" }], [Pro], [Pro, Subscriptions.Unlimited(id: "sub_2")], [Pro, Subscriptions.Unlimited(id: "sub_2").Cancelled()]], "pro"),
        ([[Unlimited], [Unlimited.Cancelled()], [Unlimited.Cancelled(), Subscriptions.Pro(id: "sub_2")], [Unlimited.Cancelled(), Subscriptions.Pro("canceled", "sub_2")]], "free"),
    ];

    [Theory, OnBothEngines]
    public async Task Every_order_ends_in_the_right_plan(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);

        var outcomes = await two.RunAsync(Sample(Scale.Pick(40, int.MaxValue)));

        outcomes.Where(outcome => outcome.Plan != outcome.Expected).ShouldBeEmpty();
        // Nobody came back there, so only workers read, and the lease lets one of them.
        outcomes.Where(outcome => !outcome.CameBack).ShouldAllBe(outcome => outcome.ReadersAtOnce <= 1);
        Proofs.Report("Stripe's events in any order", $"{engine}: {outcomes.Count:N0} orders of {Lifecycles.Length} lifecycles on two instances, every event twice and more; all plans right, {two.Stripe.Reads:N0} reads of subscriptions.");
    }

    [Theory, OnBothEngines]
    public async Task Without_the_lease_two_instances_read_the_same_at_once(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);
        await two.TakeOutTheLeaseAsync();

        // So slow that the other instance's look at the inbox, once a second, falls into many a read.
        var outcomes = await two.RunAsync(Sample(16), slowestRead: 600);

        outcomes.ShouldContain(outcome => !outcome.CameBack && outcome.ReadersAtOnce > 1);
        Proofs.Report("Stripe's events in any order", $"{engine}: with the lease taken out, {outcomes.Count(outcome => !outcome.CameBack && outcome.ReadersAtOnce > 1)} of {outcomes.Count} cases read one customer twice at once.");
    }

    [Theory, OnBothEngines]
    public async Task A_slow_answer_of_yesterday_is_not_written_over_todays(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);

        (await two.OvertakeAsync()).ShouldBe("unlimited");
    }

    [Theory, OnBothEngines]
    public async Task Without_the_fence_it_is(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);
        await two.TakeOutTheFenceAsync();

        (await two.OvertakeAsync()).ShouldBe("pro");
    }

    /// <summary>All cases, or so many of them at even distances.</summary>
    private static List<Case> Sample(int most)
    {
        var all = Lifecycles.SelectMany(static lifecycle => Permutations([.. Enumerable.Range(0, lifecycle.States.Length)])
            .Select(order => new Case(lifecycle.States, lifecycle.Plan, order))).ToList();
        var step = Math.Max(1, all.Count / most);
        return [.. all.Where((_, i) => i % step == 0).Select((one, i) => one with { Seed = i, ComesBack = i % 2 == 0 })];
    }

    private static IEnumerable<int[]> Permutations(int[] items) => items.Length <= 1
        ? [items]
        : items.SelectMany(first => Permutations([.. items.Where(item => item != first)]).Select(rest => (int[])[first, .. rest]));

    private sealed record Case(StripeSubscription[][] States, string Plan, int[] Order)
    {
        public int Seed { get; init; }

        public bool ComesBack { get; init; }
    }

    private sealed record Outcome(string Expected, string? Plan, bool CameBack, int ReadersAtOnce, string Order);

    private sealed class TwoInstances(TestStore store, StripeDouble stripe, TestServer[] instances) : IAsyncDisposable
    {
        private const int AtOnce = 8;

        public StripeDouble Stripe => stripe;

        public static async Task<TwoInstances> StartAsync(StorageEngine engine, PostgresFixture postgres)
        {
            var store = await TestStore.CreateAsync(engine, postgres);
            var stripe = new StripeDouble();
            var clock = new TestClock();
            var first = await TestServer.StartAsync(store, BillingServer.Settings, clock, services => BillingServer.Use(stripe, services));
            var second = await TestServer.StartAsync(store, BillingServer.Settings, clock, services => BillingServer.Use(stripe, services));
            return new TwoInstances(store, stripe, [first, second]);
        }

        /// <summary>The number of what was applied is forgotten as soon as it is written.</summary>
        public Task TakeOutTheFenceAsync() => AddTriggerAsync("applied_seq", "0");

        public Task TakeOutTheLeaseAsync() => AddTriggerAsync("lease_until", "null");

        /// <param name="cases">Several are under way at a time.</param>
        /// <param name="slowestRead">How long Stripe takes to answer at most, in milliseconds.</param>
        public async Task<List<Outcome>> RunAsync(IEnumerable<Case> cases, int slowestRead = 8)
        {
            stripe.OnTheWay = (_, cancellationToken) => Task.Delay(Random.Shared.Next(slowestRead), cancellationToken);
            var outcomes = new System.Collections.Concurrent.ConcurrentBag<Outcome>();
            await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (one, _) => outcomes.Add(await RunAsync(one)));
            return [.. outcomes];
        }

        /// <summary>Somebody comes back; what Stripe answers is held up, the plan changes, an event brings the change; then the old answer arrives.</summary>
        public async Task<string?> OvertakeAsync()
        {
            var subscriber = await Subscriber.CreateAsync(await TestAccount.SignUpAsync(instances[0].Http), instances[0].Clock, stripe, instances[0]);
            stripe.Set(subscriber.CustomerId, Pro);
            var (looks, isHeld, goesOn) = (0, new TaskCompletionSource(), new TaskCompletionSource());
            stripe.OnTheWay = (_, _) =>
            {
                // The first read has looked already, and its answer is on the way.
                if (Interlocked.Increment(ref looks) != 2)
                    return Task.CompletedTask;
                isHeld.SetResult();
                return goesOn.Task;
            };
            var slow = BillingServer.ComeBackAsync(instances[1], store, subscriber.CustomerId);
            await isHeld.Task;

            await subscriber.BecomesAsync(Unlimited);
            await SettleAsync(subscriber.CustomerId);
            goesOn.SetResult();
            await slow;

            return await subscriber.PlanAsync();
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var instance in instances)
                await instance.DisposeAsync();
            await store.DisposeAsync();
        }

        private async Task<Outcome> RunAsync(Case one)
        {
            var random = new Random(one.Seed);
            var account = await TestAccount.SignUpAsync(instances[0].Http);
            var subscriber = await Subscriber.CreateAsync(account, instances[0].Clock, stripe, instances[0]);
            var returns = new List<Task>();
            var reached = -1;
            foreach (var arrival in one.Order)
            {
                // An event arrives after what it tells of, and before or after what follows.
                while (reached < arrival)
                    stripe.Set(subscriber.CustomerId, one.States[++reached]);
                var body = BillingServer.Event(subscriber.CustomerId);
                var answers = await Task.WhenAll(instances.Select(instance => BillingServer.DeliverAsync(instance, body)));
                answers.ShouldAllBe(answer => answer.Status == 200);
                if (random.Next(3) == 0)
                    await BillingServer.DeliverAsync(instances[random.Next(2)], body);
                if (one.ComesBack && random.Next(3) == 0)
                    returns.Add(BillingServer.ComeBackAsync(instances[random.Next(2)], store, subscriber.CustomerId));
            }

            await Task.WhenAll(returns);
            await SettleAsync(subscriber.CustomerId);
            return new Outcome(one.Plan, await subscriber.PlanAsync(), one.ComesBack, stripe.MostReadersOf(subscriber.CustomerId), string.Join(' ', one.Order));
        }

        private Task<TimeSpan> SettleAsync(string customerId)
        {
            var database = instances[0].Services.GetRequiredService<Database>();
            return Eventually.IsTrueAsync(
                async () => await database.ReadAsync(
                    session => session.NumberAsync($"select count(*) from stripe_events where customer_id = {customerId} and state = 'pending'", CancellationToken.None),
                    CancellationToken.None) == 0,
                TimeSpan.FromSeconds(60));
        }

        private async Task AddTriggerAsync(string column, string value) => await store.ExecuteSqlAsync(store.Engine is StorageEngine.Postgres
            ? $"""
              create function take_out() returns trigger language plpgsql as $$ begin new.{column} := {value}; return new; end $$;
              create trigger take_out before update on billing_customers for each row execute function take_out();
              """
            : $"""
              create trigger take_out after update of {column} on billing_customers when new.{column} is not {value}
              begin update billing_customers set {column} = {value} where customer_id = new.customer_id; end;
              """);
    }
}
