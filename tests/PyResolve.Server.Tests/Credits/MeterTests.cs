using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Metering;
using PyResolve.Server.Tests.Billing;

namespace PyResolve.Server.Tests.Credits;

/// <summary>A committed unit of overage reaches Stripe's meter once, however Stripe answers.</summary>
public sealed class MeterTests(SharedServers servers)
{
    private const string Sent = "select count(*) from meter_events where sent_at is not null";

    [Theory, OnEveryEngine]
    public async Task A_commit_is_reported_under_the_events_id_and_a_release_is_not(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        var committed = await CommitAsync(subscriber.Account, quantity: 3);
        await subscriber.Account.ReleaseAsync((await subscriber.Account.ReserveAsync(quantity: 2)).Id());

        await shop.WaitForCountAsync(Sent, 1);

        var (meter, report) = shop.Stripe.Metered[committed];
        (meter, report.CustomerId, report.Units).ShouldBe(("pyresolve_pro_overage", subscriber.CustomerId, 3));
        shop.Stripe.Metered.Count.ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task A_report_whose_answer_was_lost_is_sent_again_and_counted_once(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        shop.Stripe.LosesAnswersToReports = true;
        await CommitAsync(subscriber.Account, quantity: 1);
        await shop.WaitForCountAsync("select count(*) from meter_events where failure is not null", 1);

        shop.Stripe.LosesAnswersToReports = false;
        shop.Clock.Jump(TimeSpan.FromSeconds(2));

        await shop.WaitForCountAsync(Sent, 1);
        shop.Stripe.Metered.Count.ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task What_Stripe_refuses_is_tried_again_for_as_long_as_it_takes(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        shop.Stripe.OnReport = static _ => throw new StripeException("No active meter found.") { Status = 400 };
        await CommitAsync(subscriber.Account, quantity: 1);
        await shop.WaitForCountAsync("select count(*) from meter_events where failure like 'No active meter%'", 1);

        shop.Stripe.OnReport = static _ => Task.CompletedTask;
        shop.Clock.Jump(TimeSpan.FromDays(3));

        await shop.WaitForCountAsync(Sent, 1);
    }

    /// <summary>Stripe knows an identifier for a day. Later the same report would be counted twice.</summary>
    [Theory, OnEveryEngine]
    public async Task A_report_that_Stripe_may_have_is_not_sent_again_after_a_day(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        shop.Stripe.LosesAnswersToReports = true;
        await CommitAsync(subscriber.Account, quantity: 1);
        await shop.WaitForCountAsync("select count(*) from meter_events where failure is not null", 1);

        shop.Stripe.LosesAnswersToReports = false;
        shop.Clock.Jump(TimeSpan.FromHours(24));
        await CommitAsync(subscriber.Account, quantity: 1);

        await shop.WaitForCountAsync(Sent, 1);
        (await LateAsync(shop)).ShouldBe([true]);
    }

    [Theory, OnEveryEngine]
    public async Task A_refusal_does_not_make_Stripe_forget_what_it_may_have(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        shop.Stripe.LosesAnswersToReports = true;
        await CommitAsync(subscriber.Account, quantity: 1);
        await shop.WaitForCountAsync("select count(*) from meter_events where failure is not null", 1);
        shop.Stripe.OnReport = static _ => throw new StripeException("Too fast.") { Status = 429 };
        shop.Clock.Jump(TimeSpan.FromSeconds(2));
        await shop.WaitForCountAsync("select count(*) from meter_events where failure like 'Too fast%'", 1);

        (shop.Stripe.LosesAnswersToReports, shop.Stripe.OnReport) = (false, static _ => Task.CompletedTask);
        shop.Clock.Jump(TimeSpan.FromHours(24));
        await CommitAsync(subscriber.Account, quantity: 1);

        await shop.WaitForCountAsync(Sent, 1);
        (await LateAsync(shop)).ShouldBe([true]);
    }

    [Theory, OnEveryEngine]
    public async Task What_waits_for_an_hour_is_told_with_its_cause(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        shop.Stripe.OnReport = static _ => throw new StripeException("No active meter found.") { Status = 400 };
        var committed = await CommitAsync(subscriber.Account, quantity: 3);
        await shop.WaitForCountAsync("select count(*) from meter_events where failure is not null", 1);
        (await LateAsync(shop)).ShouldBeEmpty();

        shop.Clock.Jump(TimeSpan.FromHours(1));

        var late = (await shop.Service<MeterReports>().ListLateAsync(CreditShop.Cancellation)).Single();
        late.ToString().ShouldStartWith($"Meter event {committed}, 3 units of account {subscriber.Account.UserId}");
        late.ToString().ShouldContain("is not at Stripe: No active meter found.");
    }

    [Theory, OnEveryEngine]
    public async Task What_a_deleted_account_used_is_on_a_last_invoice(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);

        await subscriber.DeleteAccountAsync();

        await shop.WaitUntilProcessedAsync();
        shop.Stripe.InvoicedAtEnd.ShouldBe(["sub_1"]);
    }

    [Theory, OnBothEngines]
    public async Task A_deleted_accounts_subscription_ends_after_its_reports_have_arrived(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        shop.Stripe.OnReport = static _ => throw new StripeException("Stripe did not answer.");
        var committed = await CommitAsync(subscriber.Account, quantity: 3);
        await shop.WaitForCountAsync("select count(*) from meter_events where failure is not null", 1);
        await subscriber.DeleteAccountAsync();
        await shop.WaitForCountAsync("select count(*) from stripe_events where state = 'pending' and attempts > 0", 1);
        shop.Stripe.InvoicedAtEnd.ShouldBeEmpty();

        int? endedBefore = null;
        shop.Stripe.OnReport = _ =>
        {
            endedBefore ??= shop.Stripe.InvoicedAtEnd.Count;
            return Task.CompletedTask;
        };
        shop.Jump(TimeSpan.FromSeconds(10));

        await Eventually.IsTrueAsync(() => shop.Stripe.InvoicedAtEnd.Contains("sub_1"), cancellationToken: CreditShop.Cancellation);
        (shop.Stripe.Metered[committed].Report.Units, endedBefore).ShouldBe((3, 0));
    }

    [Theory, OnBothEngines]
    public async Task A_report_that_Stripe_refuses_keeps_no_subscription_of_a_deleted_account(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        shop.Stripe.OnReport = static _ => throw new StripeException("No active meter found.") { Status = 400 };
        await CommitAsync(subscriber.Account, quantity: 3);

        await subscriber.DeleteAccountAsync();

        await Eventually.IsTrueAsync(() => shop.Stripe.InvoicedAtEnd.Contains("sub_1"), cancellationToken: CreditShop.Cancellation);
        shop.Clock.Jump(TimeSpan.FromHours(1));
        (await shop.Service<MeterReports>().ListLateAsync(CreditShop.Cancellation)).Single().Units.ShouldBe(3);
    }

    /// <summary>A customer whose plan allows overage only, which the subscription bills.</summary>
    private static async Task<Subscriber> SubscribeAsync(BillingServer shop)
    {
        var subscriber = await shop.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(
            Subscriptions.Of("sub_1", "active", Subscriptions.ProPrice, Subscriptions.OveragePrice));
        await subscriber.WaitForPlanAsync("pro");
        await shop.WaitUntilProcessedAsync();
        await shop.Store.ExecuteSqlAsync("update profiles set overage_limit = 100, overage_plan = 'pro'");
        return subscriber;
    }

    private static async Task<bool[]> LateAsync(BillingServer shop) =>
        [.. (await shop.Service<MeterReports>().ListLateAsync(CreditShop.Cancellation)).Select(static late => late.IsGivenUp)];

    [Theory, OnBothEngines]
    public async Task Stripe_is_sent_one_report_of_a_customer_at_a_time(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        var (running, most) = (0, 0);
        shop.Stripe.OnReport = async _ =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await Task.Delay(TimeSpan.FromMilliseconds(20));
            Interlocked.Decrement(ref running);
        };

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => CommitAsync(subscriber.Account, quantity: 1)));

        await shop.WaitForCountAsync(Sent, 20);
        most.ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task What_no_subscription_bills_is_not_sent_and_is_told_until_one_does(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        var held = await subscriber.Account.ReserveAsync(quantity: 10);
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro().Cancelled());
        await subscriber.WaitForPlanAsync("free");

        (await subscriber.Account.CommitAsync(held.Id())).Status.ShouldBe(200);
        await shop.WaitForCountAsync("select count(*) from meter_events where failure is not null", 1);
        shop.Clock.Jump(TimeSpan.FromHours(1));

        var late = (await shop.Service<MeterReports>().ListLateAsync(CreditShop.Cancellation)).Single();
        late.ToString().ShouldContain("10 units");
        late.ToString().ShouldContain("has no subscription that bills overage of the plan pro. Invoice it by hand");
        shop.Stripe.Metered.ShouldBeEmpty();
        shop.Stripe.Set(
            subscriber.CustomerId, Subscriptions.Of("sub_2", "active", Subscriptions.ProPrice, Subscriptions.OveragePrice));
        shop.Clock.Jump(TimeSpan.FromHours(2));
        await shop.WaitForCountAsync(Sent, 1);
    }

    /// <summary>Stripe closes a period an hour after its end.</summary>
    [Theory, OnBothEngines]
    public async Task What_is_sent_late_counts_when_it_was_first_sent_and_every_later_time_the_same(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop);
        var counted = new List<DateTimeOffset>();
        shop.Stripe.OnReport = report =>
        {
            counted.Add(report.CountsAt);
            throw new StripeException("Refused.") { Status = 400 };
        };
        await CommitAsync(subscriber.Account, quantity: 1);
        await shop.WaitForCountAsync("select count(*) from meter_events where failure = 'Refused.'", 1);
        var used = shop.Clock.GetUtcNow();

        shop.Stripe.OnReport = report =>
        {
            counted.Add(report.CountsAt);
            throw new StripeException("Stripe did not answer.");
        };
        shop.Clock.Jump(TimeSpan.FromDays(2));
        var first = shop.Clock.GetUtcNow();
        await shop.WaitForCountAsync("select count(*) from meter_events where failure like 'Stripe did not%'", 1);
        shop.Stripe.OnReport = report =>
        {
            counted.Add(report.CountsAt);
            return Task.CompletedTask;
        };
        shop.Clock.Jump(TimeSpan.FromHours(3));

        await shop.WaitForCountAsync(Sent, 1);
        (counted[0], counted[^2], counted[^1]).ShouldBe((used, first, first));
    }

    [Theory, OnEveryEngine]
    public async Task Two_instances_report_each_unit_once(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        await using var second = engine is not StorageEngine.Sqlite
            ? await TestServer.StartAsync(
                shop.Store, AllSettings(), shop.Clock, services => BillingServer.Use(shop.Stripe, services))
            : null;
        var subscriber = await SubscribeAsync(shop);
        TestAccount[] doors = second is null ? [subscriber.Account] : [subscriber.Account, subscriber.Account.On(second.Http)];

        await Task.WhenAll(Enumerable.Range(0, 40).Select(client => CommitAsync(doors[client % doors.Length], quantity: 1)));

        await shop.WaitForCountAsync(Sent, 40);
        shop.Stripe.Metered.Values.Sum(static metered => metered.Report.Units).ShouldBe(40);
    }

    private Task<BillingServer> StartAsync(StorageEngine engine) =>
        BillingServer.StartAsync(engine, servers.Postgres, settings: CreditShop.Settings(limit: 0));

    private static Dictionary<string, string?> AllSettings() =>
        new(BillingServer.Settings.Concat(CreditShop.Settings(limit: 0)));

    private static async Task<string> CommitAsync(TestAccount account, int quantity)
    {
        var held = await account.ReserveAsync(quantity);
        held.Status.ShouldBe(201, held.Text);
        var committed = await account.CommitAsync(held.Id());
        committed.Status.ShouldBe(200, committed.Text);
        return committed["usage_event_id"].GetString()!;
    }
}
