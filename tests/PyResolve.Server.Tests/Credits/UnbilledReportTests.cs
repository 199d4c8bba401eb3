using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Metering;
using PyResolve.Server.Storage;
using PyResolve.Server.Tests.Billing;
using static PyResolve.Server.Tests.Credits.OverageShop;

namespace PyResolve.Server.Tests.Credits;

/// <summary>Overage that no subscription bills may wait for ever: it costs Stripe and the log next to nothing meanwhile.</summary>
public sealed class UnbilledReportTests(SharedServers servers)
{
    private const int Reports = 10;

    [Theory, OnBothEngines]
    public async Task Stripe_is_asked_once_for_all_reports_of_a_customer(StorageEngine engine)
    {
        await using var shop = await OverageShop.StartAsync(engine, servers);
        var subscriber = await LeaveUnbilledAsync(shop);
        var asked = shop.Stripe.Reads;

        await shop.Service<Database>().ExecuteAsync(
            $"update meter_events set due_at = created_at, failure = null", CreditShop.Cancellation);
        await WaitForFailuresAsync(shop);
        (shop.Stripe.Reads - asked).ShouldBe(1);

        await shop.Service<MeterSender>().SendAllOfAsync(subscriber.CustomerId, CreditShop.Cancellation);
        (shop.Stripe.Reads - asked).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_failure_is_logged_when_it_is_another_than_before(StorageEngine engine)
    {
        using var log = new LogRecorder();
        await using var shop = await OverageShop.StartAsync(engine, servers, log: log);
        var subscriber = await LeaveUnbilledAsync(shop);
        await Eventually.IsTrueAsync(() => Told(log) == Reports, cancellationToken: CreditShop.Cancellation);

        await SendAsync();
        Told(log).ShouldBe(Reports);

        shop.Stripe.FailNext(1_000);
        await Should.ThrowAsync<StripeException>(SendAsync);
        Told(log).ShouldBe(Reports + 1);

        Task SendAsync() => shop.Service<MeterSender>().SendAllOfAsync(subscriber.CustomerId, CreditShop.Cancellation);
    }

    [Theory, OnBothEngines]
    public async Task After_many_tries_the_next_is_within_a_day(StorageEngine engine)
    {
        await using var shop = await OverageShop.StartAsync(engine, servers);
        var subscriber = await LeaveUnbilledAsync(shop);
        await shop.Store.ExecuteSqlAsync("update meter_events set tries = 100");
        await shop.Service<MeterSender>().SendAllOfAsync(subscriber.CustomerId, CreditShop.Cancellation);

        shop.Clock.Jump(TimeSpan.FromHours(17));
        (await shop.Service<MeterReports>().TakeDueAsync(Reports, CreditShop.Cancellation)).ShouldBeEmpty();
        (await shop.Store.ReadNumberAsync("select max(tries) from meter_events")).ShouldBe(101);

        shop.Clock.Jump(TimeSpan.FromHours(7));
        await shop.WaitForCountAsync("select count(*) from meter_events where tries > 101", Reports);
    }

    /// <summary>Units that were reserved while the subscription billed them, and committed afterwards.</summary>
    private static async Task<Subscriber> LeaveUnbilledAsync(BillingServer shop)
    {
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        (await SetAsync(subscriber, Reports)).Status.ShouldBe(200);
        var held = new List<Guid>();
        for (var i = 0; i < Reports; i++)
            held.Add((await subscriber.Account.ReserveAsync()).Id());
        await ChangeAsync(shop, subscriber, Subscriptions.Cancelled);
        await subscriber.WaitForPlanAsync("free");
        foreach (var id in held)
            (await subscriber.Account.CommitAsync(id)).Status.ShouldBe(200);
        await WaitForFailuresAsync(shop);
        return subscriber;
    }

    private static Task<TimeSpan> WaitForFailuresAsync(BillingServer shop) =>
        shop.WaitForCountAsync("select count(*) from meter_events where failure is not null", Reports);

    private static int Told(LogRecorder log) =>
        log.Lines.Count(static line => line.Contains("was not reported to Stripe", StringComparison.Ordinal));
}
