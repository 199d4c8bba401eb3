namespace PyResolve.Server.Tests.Billing;

/// <summary>Everything at once: a thousand deliveries in no order are answered, and cost few reads.</summary>
public sealed class StormTests(SharedServers servers)
{
    private const int Customers = 20;
    private const int Deliveries = 1_000;

    [Theory, OnBothEngines]
    public async Task A_thousand_webhooks_leave_the_right_plans_and_few_reads(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var random = new Random(20_261_115);
        var subscribers = new List<(Subscriber Subscriber, string Plan)>();
        for (var i = 0; i < Customers; i++)
        {
            var subscriber = await billing.SignUpAsync();
            var (state, plan) = (i % 3) switch
            {
                0 => (Subscriptions.Pro(), "pro"),
                1 => (Subscriptions.Unlimited("trialing"), "unlimited"),
                _ => (Subscriptions.Pro("canceled"), "free"),
            };
            billing.Stripe.Set(subscriber.CustomerId, state);
            subscribers.Add((subscriber, plan));
        }

        // Half of them are copies.
        var bodies = Enumerable.Range(0, Deliveries / 2).Select(i => BillingServer.Event(subscribers[i % Customers].Subscriber.CustomerId)).ToArray();
        var storm = bodies.Concat(bodies).ToArray();
        random.Shuffle(storm);
        // The first read of a customer lasts as long as the storm; all that came meanwhile is one more.
        var isOver = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        billing.Stripe.OnTheWay = (_, cancellationToken) => isOver.Task.WaitAsync(cancellationToken);
        var before = billing.Stripe.Reads;

        var answers = await Task.WhenAll(storm.Select(billing.DeliverAsync));
        isOver.SetResult();
        await billing.SettlesAsync();

        answers.ShouldAllBe(answer => answer.Status == 200);
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events where state = 'done'")).ShouldBe(Deliveries / 2);
        foreach (var (subscriber, plan) in subscribers)
            (await subscriber.PlanAsync()).ShouldBe(plan);
        var reads = billing.Stripe.Reads - before;
        reads.ShouldBeInRange(Customers, 3 * Customers);
        Proofs.Report("Stripe's events in a storm", $"{engine}: {Deliveries:N0} deliveries for {Customers} customers, half of them copies: {reads} reads of subscriptions, all plans right.");
    }
}
