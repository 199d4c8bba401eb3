using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Billing;

/// <summary>How one order of events ended.</summary>
/// <param name="ReadersAtOnce">How many reads of the customer's subscriptions ran at the same time, at most.</param>
/// <param name="Deliveries">How many requests brought its events.</param>
internal sealed record ArrivalOutcome(ArrivalOrder Order, string? Plan, int ReadersAtOnce, int Deliveries)
{
    public bool IsWrong => Plan != Order.Plan;

    /// <summary>Where nobody came back only workers read, and the lease lets one of them.</summary>
    public bool IsReadTwiceAtOnce => !Order.ComesBack && ReadersAtOnce > 1;

    public override string ToString() => $"{string.Join(' ', Order.Order)} (seed {Order.Seed}): {Plan} instead of {Order.Plan}";
}

/// <summary>Two instances on one store, with one Stripe, and many customers at a time whose events arrive in some order.</summary>
internal sealed class TwoInstances(TestStore store, StripeDouble stripe, TestServer[] instances) : IAsyncDisposable
{
    /// <summary>Milliseconds at most: as Stripe answers mostly, and now and then.</summary>
    private const int Quick = 8;

    private const int Slow = 300;

    /// <summary>Milliseconds at most between one event and the next.</summary>
    private const int Pause = 30;

    public StripeDouble Stripe => stripe;

    /// <summary>One embedded database writes for one after the other.</summary>
    private int AtOnce => store.Engine is StorageEngine.Postgres ? 16 : 4;

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
    public Task DisableFencingAsync() => AddTriggerAsync("applied_seq", "0");

    public Task DisableLeasesAsync() => AddTriggerAsync("lease_until", "null");

    /// <param name="orders">Several are under way at a time, each with a customer of its own.</param>
    /// <param name="slowestRead">How long Stripe takes to answer at most, in milliseconds; most answers are far quicker by default.</param>
    public async Task<List<ArrivalOutcome>> RunAsync(IEnumerable<ArrivalOrder> orders, int? slowestRead = null)
    {
        stripe.OnTheWay = (_, cancellationToken) => HeldRead.Current.Value?.PassAsync()
            ?? Task.Delay(Random.Shared.Next(slowestRead ?? (Random.Shared.Next(12) == 0 ? Slow : Quick)), cancellationToken);
        var outcomes = new ConcurrentBag<ArrivalOutcome>();
        await Parallel.ForEachAsync(
            orders, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (order, _) => outcomes.Add(await RunAsync(order)));
        return [.. outcomes];
    }

    /// <summary>
    /// A person returns from Stripe, and the answer to that read is delayed; the plan changes and an event brings the change; then the old
    /// answer arrives.
    /// </summary>
    public async Task<string?> OvertakeAsync()
    {
        var subscriber = await SignUpAsync();
        stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        stripe.OnTheWay = static (_, _) => HeldRead.Current.Value?.PassAsync() ?? Task.CompletedTask;
        var held = await HeldRead.BeginAsync(instances[1], subscriber.CustomerId);

        await subscriber.SetSubscriptionsAsync(Subscriptions.Unlimited());
        await SettleAsync(subscriber.CustomerId);
        await held.EndAsync();

        return await subscriber.PlanAsync();
    }

    /// <summary>Delivers a body to one of them, again where the store is too slow to answer, as Stripe does.</summary>
    public async Task<Answer> DeliverAsync(int instance, string body)
    {
        while (true)
        {
            var answer = await BillingServer.DeliverAsync(instances[instance], body);
            if (answer.Status != 503)
                return answer;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in instances)
            await instance.DisposeAsync();
        await store.DisposeAsync();
    }

    public async Task<Subscriber> SignUpAsync() =>
        await Subscriber.CreateAsync(await TestAccount.SignUpAsync(instances[0].Http), instances[0].Clock, stripe, instances[0]);

    private async Task<ArrivalOutcome> RunAsync(ArrivalOrder one)
    {
        var random = new Random(one.Seed);
        var subscriber = await SignUpAsync();
        var (underWay, bodies, held) = (new List<Task>(), new List<string>(), (HeldRead?)null);
        var (reached, deliveries) = (-1, 0);
        foreach (var arrival in one.Order)
        {
            // An event arrives after what it tells of, and before or after what follows.
            var moves = Math.Max(arrival, Math.Min(reached + random.Next(2), one.States.Length - 1));
            while (reached < moves)
                stripe.Set(subscriber.CustomerId, one.States[++reached]);
            bodies.Add(BillingServer.Event(subscriber.CustomerId));
            var both = Task.WhenAll(Deliver(instances[0], bodies[^1]), Deliver(instances[1], bodies[^1]));
            if (random.Next(3) == 0)
                underWay.Add(Deliver(instances[random.Next(2)], bodies[random.Next(bodies.Count)]));
            if (one.ComesBack && random.Next(3) == 0)
                underWay.Add(BillingServer.ReturnFromStripeAsync(instances[random.Next(2)], store, subscriber.CustomerId));
            // One of them gets Stripe's answer after all is over.
            if (one.ComesBack && held is null && random.Next(4) == 0)
                held = await HeldRead.BeginAsync(instances[random.Next(2)], subscriber.CustomerId);
            // Some are answered before the next ones come, some are not.
            if (random.Next(2) == 0)
                await both;
            else
                underWay.Add(both);
            await Task.Delay(random.Next(Pause));
        }

        await Task.WhenAll(underWay);
        await SettleAsync(subscriber.CustomerId);
        if (held is not null)
            await held.EndAsync();
        return new ArrivalOutcome(one, await subscriber.PlanAsync(), stripe.MostReadersOf(subscriber.CustomerId), deliveries);

        async Task Deliver(TestServer instance, string body)
        {
            // Where the store is too slow to answer, Stripe sends again.
            for (var status = 503; status != 200; Interlocked.Increment(ref deliveries))
            {
                status.ShouldBe(503);
                status = (await BillingServer.DeliverAsync(instance, body)).Status;
            }
        }
    }

    /// <summary>Waits until no event of the customer waits.</summary>
    public Task<TimeSpan> SettleAsync(string customerId)
    {
        var database = instances[0].Services.GetRequiredService<Database>();
        return Eventually.IsTrueAsync(
            async () => await database.ReadAsync(
                session => session.NumberAsync(
                    $"select count(*) from stripe_events where customer_id = {customerId} and state = 'pending'", CancellationToken.None),
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

    /// <summary>A read without a lease, as after a return from Stripe, whose answer is delayed.</summary>
    private sealed class HeldRead
    {
        private readonly TaskCompletionSource _hasLooked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _goesOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _passes;
        private Task _sync = Task.CompletedTask;

        /// <summary>In the flow of such a read: it.</summary>
        public static AsyncLocal<HeldRead?> Current { get; } = new();

        public static async Task<HeldRead> BeginAsync(TestServer instance, string customerId)
        {
            var held = new HeldRead();
            held._sync = held.RunAsync(instance.Services.GetRequiredService<CustomerSync>(), customerId);
            await held._hasLooked.Task;
            return held;
        }

        public Task EndAsync()
        {
            _goesOn.SetResult();
            return _sync;
        }

        public Task PassAsync()
        {
            if (++_passes == 1)
                return Task.CompletedTask;
            _hasLooked.SetResult();
            return _goesOn.Task;
        }

        private async Task RunAsync(CustomerSync sync, string customerId)
        {
            Current.Value = this;
            await sync.RunAsync(customerId, CancellationToken.None);
        }
    }
}
