using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Billing;

/// <summary>The outcome of one order of events.</summary>
/// <param name="ReadersAtOnce">The largest number of reads of the customer's subscriptions at the same time.</param>
/// <param name="Deliveries">The number of webhook requests.</param>
internal sealed record ArrivalOutcome(ArrivalOrder Order, string? Plan, int ReadersAtOnce, int Deliveries)
{
    public bool IsWrong => Plan != Order.Plan;

    /// <summary>Unless the person returns from Stripe, only workers read, and the lease allows one of them at a time.</summary>
    public bool IsReadTwiceAtOnce => !Order.ComesBack && ReadersAtOnce > 1;

    public override string ToString() => $"{string.Join(' ', Order.Order)} (seed {Order.Seed}): {Plan} instead of {Order.Plan}";
}

/// <summary>Two instances on one store with one Stripe. The events of many customers arrive at the same time, in random order.</summary>
internal sealed class TwoInstances(TestStore store, StripeDouble stripe, TestServer[] instances) : IAsyncDisposable
{
    /// <summary>The longest usual and the longest occasional delay of Stripe, in milliseconds.</summary>
    private const int Quick = 8;

    private const int Slow = 300;

    /// <summary>The longest pause between two events, in milliseconds.</summary>
    private const int Pause = 30;

    public StripeDouble Stripe => stripe;

    /// <summary>An embedded database has only one writer at a time.</summary>
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

    /// <summary>Resets the number of the applied read whenever it is written.</summary>
    public Task DisableFencingAsync() => AddTriggerAsync("applied_seq", "0");

    public Task DisableLeasesAsync() => AddTriggerAsync("lease_until", "null");

    /// <param name="orders">Several run at the same time, each with its own customer.</param>
    /// <param name="slowestRead">How long Stripe takes to answer at most, in milliseconds; most answers are far quicker by default.</param>
    public async Task<List<ArrivalOutcome>> RunAsync(IEnumerable<ArrivalOrder> orders, int? slowestRead = null)
    {
        stripe.OnReadSubscriptions = (_, cancellationToken) => DelayedRead.Current.Value?.PassAsync()
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
    public async Task<string?> DelayAnswerAsync()
    {
        var subscriber = await SignUpAsync();
        stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        stripe.OnReadSubscriptions = static (_, _) => DelayedRead.Current.Value?.PassAsync() ?? Task.CompletedTask;
        var held = await DelayedRead.BeginAsync(instances[1], subscriber.CustomerId);

        await subscriber.SetSubscriptionsAsync(Subscriptions.Unlimited());
        await SettleAsync(subscriber.CustomerId);
        await held.EndAsync();

        return await subscriber.PlanAsync();
    }

    /// <summary>Delivers a body to one of them, and repeats it after 503, as Stripe does.</summary>
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
        var (underWay, bodies, held) = (new List<Task>(), new List<string>(), (DelayedRead?)null);
        var (reached, deliveries) = (-1, 0);
        foreach (var arrival in one.Order)
        {
            // An event arrives after its own change, and before or after the following changes.
            var moves = Math.Max(arrival, Math.Min(reached + random.Next(2), one.States.Length - 1));
            while (reached < moves)
                stripe.Set(subscriber.CustomerId, one.States[++reached]);
            bodies.Add(BillingServer.Event(subscriber.CustomerId));
            var both = Task.WhenAll(Deliver(instances[0], bodies[^1]), Deliver(instances[1], bodies[^1]));
            if (random.Next(3) == 0)
                underWay.Add(Deliver(instances[random.Next(2)], bodies[random.Next(bodies.Count)]));
            if (one.ComesBack && random.Next(3) == 0)
                underWay.Add(BillingServer.ReturnFromStripeAsync(instances[random.Next(2)], store, subscriber.CustomerId));
            // One read gets Stripe's answer only at the end.
            if (one.ComesBack && held is null && random.Next(4) == 0)
                held = await DelayedRead.BeginAsync(instances[random.Next(2)], subscriber.CustomerId);
            // Some are answered before the next ones are sent, some are not.
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
            // After 503, Stripe sends the event again.
            for (var status = 503; status != 200; Interlocked.Increment(ref deliveries))
            {
                status.ShouldBe(503);
                status = (await BillingServer.DeliverAsync(instance, body)).Status;
            }
        }
    }

    /// <summary>Waits until every event of the customer has been processed.</summary>
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
    private sealed class DelayedRead
    {
        private readonly TaskCompletionSource _hasLooked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _mayContinue = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _passes;
        private Task _sync = Task.CompletedTask;

        /// <summary>The delayed read in whose asynchronous flow the code runs, if any.</summary>
        public static AsyncLocal<DelayedRead?> Current { get; } = new();

        public static async Task<DelayedRead> BeginAsync(TestServer instance, string customerId)
        {
            var held = new DelayedRead();
            held._sync = held.RunAsync(instance.Services.GetRequiredService<CustomerSync>(), customerId);
            await held._hasLooked.Task;
            return held;
        }

        public Task EndAsync()
        {
            _mayContinue.SetResult();
            return _sync;
        }

        public Task PassAsync()
        {
            if (++_passes == 1)
                return Task.CompletedTask;
            _hasLooked.SetResult();
            return _mayContinue.Task;
        }

        private async Task RunAsync(CustomerSync sync, string customerId)
        {
            Current.Value = this;
            await sync.RunAsync(customerId, CancellationToken.None);
        }
    }
}
