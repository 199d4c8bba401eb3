namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// The plan is right after every order of a lifecycle's events. Each event is sent to two instances at once, and some again later, while
/// the state at Stripe changes, people return from the portal, and some answers of Stripe are slow. The same run finds wrong plans without
/// the fence, and double reads without the lease.
/// </summary>
[Trait("Category", "Proof")]
public sealed class OrderingProof(SharedServers servers)
{
    private const string Suite = "Stripe's events in any order";

    private static readonly int Sample = Scale.Pick(48, int.MaxValue);

    [Theory, OnBothEngines]
    public async Task Every_order_ends_in_the_right_plan(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);

        var outcomes = await two.RunAsync(Lifecycles.Orders(Sample));

        outcomes.Where(outcome => outcome.IsWrong).ShouldBeEmpty();
        outcomes.Where(outcome => outcome.IsReadTwiceAtOnce).ShouldBeEmpty();
        Proofs.Report(Suite,
            $"{engine}: {outcomes.Count:N0} orders of the events of {Lifecycles.Count} lifecycles, "
            + $"{outcomes.Sum(outcome => outcome.Deliveries):N0} deliveries "
            + $"to two instances, every event twice and more: all plans right, {two.Stripe.Reads:N0} reads of subscriptions.");
    }

    [Theory, OnBothEngines]
    public async Task Without_the_fence_the_same_run_ends_in_wrong_plans(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);
        await two.DisableFencingAsync();

        var outcomes = await two.RunAsync(Lifecycles.Orders(Sample));

        var wrong = outcomes.Count(outcome => outcome.IsWrong);
        wrong.ShouldBeGreaterThan(0);
        Proofs.Report(Suite, $"{engine}: with the fence taken out, {wrong} of {outcomes.Count:N0} orders ended in a wrong plan.");
    }

    [Theory, OnBothEngines]
    public async Task Without_the_lease_two_instances_read_one_customer_at_once(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);
        await two.DisableLeasesAsync();

        // So slow that the other instance, which polls the inbox once a second, does so during many reads.
        var outcomes = await two.RunAsync(Lifecycles.Orders(16), slowestRead: 600);

        outcomes.ShouldContain(outcome => outcome.IsReadTwiceAtOnce);
        outcomes.Where(outcome => outcome.IsWrong).ShouldBeEmpty();
        Proofs.Report(Suite,
            $"{engine}: with the lease taken out, {outcomes.Count(outcome => outcome.IsReadTwiceAtOnce)} of {outcomes.Count} orders "
            + "read one customer twice at once, and all plans were right.");
    }

    [Theory, OnBothEngines]
    public async Task A_delayed_answer_does_not_overwrite_a_newer_one(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);

        (await two.DelayAnswerAsync()).ShouldBe("unlimited");
    }

    [Theory, OnBothEngines]
    public async Task Without_the_fence_a_delayed_answer_overwrites_a_newer_one(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);
        await two.DisableFencingAsync();

        (await two.DelayAnswerAsync()).ShouldBe("pro");
    }
}
