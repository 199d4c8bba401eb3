namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// Every order of a lifecycle's events, each sent to two instances at once, some of them again later, while the state at Stripe moves on,
/// people come back from the portal, and Stripe answers slowly at times: the plan at the end is the right one. The same run finds wrong
/// plans with the fence taken out, and double reads with the lease taken out.
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
    public async Task Without_the_lease_two_instances_read_the_same_at_once(StorageEngine engine)
    {
        await using var two = await TwoInstances.StartAsync(engine, servers.Postgres);
        await two.DisableLeasesAsync();

        // So slow that the other instance's look at the inbox, once a second, falls into many a read.
        var outcomes = await two.RunAsync(Lifecycles.Orders(16), slowestRead: 600);

        outcomes.ShouldContain(outcome => outcome.IsReadTwiceAtOnce);
        outcomes.Where(outcome => outcome.IsWrong).ShouldBeEmpty();
        Proofs.Report(Suite,
            $"{engine}: with the lease taken out, {outcomes.Count(outcome => outcome.IsReadTwiceAtOnce)} of {outcomes.Count} orders "
            + "read one customer twice at once, and all plans were right.");
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
        await two.DisableFencingAsync();

        (await two.OvertakeAsync()).ShouldBe("pro");
    }
}
