using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Billing;

/// <summary>A thousand deliveries at once, in random order, are answered and cause few reads.</summary>
public sealed class StormTests(SharedServers servers)
{
    private const int Customers = 20;
    private const int Deliveries = 1_000;

    [Trait("Category", "Proof")]
    [Theory, OnBothEngines]
    public async Task A_thousand_webhooks_leave_the_right_plans_and_few_reads(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscribers = await SubscribeAsync(() => billing.SignUpAsync(), billing.Stripe);
        var storm = Storm(subscribers);
        // The first read of each customer lasts until all events have arrived; those that came during it cause one more read.
        var isOver = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        billing.Stripe.OnReadSubscriptions = (_, cancellationToken) => isOver.Task.WaitAsync(cancellationToken);
        var before = billing.Stripe.Reads;

        var answers = await Task.WhenAll(storm.Select(billing.DeliverAsync));
        isOver.SetResult();
        await billing.WaitUntilProcessedAsync();

        answers.ShouldAllBe(answer => answer.Status == 200);
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events where state = 'done'")).ShouldBe(Deliveries / 2);
        foreach (var (subscriber, plan) in subscribers)
            (await subscriber.PlanAsync()).ShouldBe(plan);
        var reads = billing.Stripe.Reads - before;
        reads.ShouldBeInRange(Customers, 3 * Customers);
        Proofs.Report("Stripe's events in a storm",
            $"{engine}: {Deliveries:N0} deliveries for {Customers} customers, half of them copies: "
            + $"{reads} reads of subscriptions, all plans right.");
    }

    [Theory, OnBothEngines]
    public async Task Two_instances_read_a_customer_one_at_a_time_and_less_often_than_events_arrive(StorageEngine engine)
    {
        await using var both = await TwoInstances.StartAsync(engine, servers.Postgres);
        var subscribers = await SubscribeAsync(both.SignUpAsync, both.Stripe);
        var storm = Storm(subscribers);
        // The usual times of Stripe for a read and its answer.
        both.Stripe.OnReadSubscriptions = static (_, cancellationToken) => Task.Delay(Random.Shared.Next(5, 50), cancellationToken);
        var before = both.Stripe.Reads;

        var answers = await Task.WhenAll(storm.Select((body, i) => both.DeliverAsync(i % 2, body)));
        foreach (var (subscriber, _) in subscribers)
            await both.SettleAsync(subscriber.CustomerId);

        answers.ShouldAllBe(answer => answer.Status == 200);
        foreach (var (subscriber, plan) in subscribers)
        {
            (await subscriber.PlanAsync()).ShouldBe(plan);
            both.Stripe.MostReadersOf(subscriber.CustomerId).ShouldBe(1);
        }

        var reads = both.Stripe.Reads - before;
        reads.ShouldBeInRange(Customers, (Deliveries / 2) - 1);
        Proofs.Report("Stripe's events in a storm",
            $"{engine}, two instances, Stripe answers in 10 to 100 ms: {Deliveries:N0} deliveries for {Customers} customers, half of them "
                + "copies: "
            + $"{reads} reads of subscriptions, all plans right.");
    }

    private static async Task<List<(Subscriber Subscriber, string Plan)>> SubscribeAsync(Func<Task<Subscriber>> signUp, StripeDouble stripe)
    {
        var subscribers = new List<(Subscriber Subscriber, string Plan)>();
        for (var i = 0; i < Customers; i++)
        {
            var subscriber = await signUp();
            var (state, plan) = (i % 3) switch
            {
                0 => (Subscriptions.Pro(), "pro"),
                1 => (Subscriptions.Unlimited("trialing"), "unlimited"),
                _ => (Subscriptions.Pro("canceled"), "free"),
            };
            stripe.Set(subscriber.CustomerId, state);
            subscribers.Add((subscriber, plan));
        }

        return subscribers;
    }

    /// <summary>Events in random order; half of them are copies.</summary>
    private static string[] Storm(List<(Subscriber Subscriber, string Plan)> subscribers)
    {
        var bodies = Enumerable.Range(0, Deliveries / 2).Select(i => BillingServer.Event(subscribers[i % Customers].Subscriber.CustomerId))
            .ToArray();
        var storm = bodies.Concat(bodies).ToArray();
        new Random(20_261_115).Shuffle(storm);
        return storm;
    }
}
