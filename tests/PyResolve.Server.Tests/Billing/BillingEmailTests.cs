using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Emails;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Who is about to lose a plan is told in time, and once.</summary>
public sealed class BillingEmailTests(SharedServers servers) : IDisposable
{
    private readonly TestMailbox _mailbox = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _mailbox.Dispose();

    [Theory, OnBothEngines]
    public async Task A_failed_payment_is_told_once_with_the_day_on_which_the_plan_ends(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync("ada@example.com");
        await SetAsync(billing, subscriber, Subscriptions.Pro());
        await SetAsync(billing, subscriber, Subscriptions.Pro("past_due").Unpaid("subscription_cycle"));

        await OrderTwiceAsync(billing);

        var text = await ReadOnlyEmailAsync("A payment for your plan failed");
        text.ShouldContain(
            "Your Pro plan continues until 22 November 2026, and ends then unless it is paid. "
            + "After that your account is on the Free plan.");
        text.ShouldContain("/billing");
    }

    [Theory, OnBothEngines]
    public async Task A_second_failed_payment_after_one_that_was_paid_is_told_again(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        var emails = billing.Service<BillingEmails>();
        var queued = new List<int>();

        foreach (var status in (string[])["past_due", "active", "past_due", "past_due"])
        {
            await SetAsync(billing, subscriber, Subscriptions.Pro(status));
            queued.Add(await emails.QueueAsync(Cancellation));
        }

        queued.ShouldBe([1, 0, 1, 0]);
    }

    [Theory, OnBothEngines]
    public async Task A_payment_that_was_never_made_is_told_with_what_follows(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        await SetAsync(billing, subscriber, Subscriptions.Pro("past_due").Unpaid("subscription_create"));

        await OrderTwiceAsync(billing);

        (await ReadOnlyEmailAsync("A payment for your plan failed")).ShouldContain("Until it is paid, your account is on the Free plan.");
    }

    [Theory, OnBothEngines]
    public async Task The_end_of_a_trial_is_told_three_days_before(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var (near, far) = (await billing.SignUpAsync(), await billing.SignUpAsync());
        var now = billing.Clock.GetUtcNow();
        await SetAsync(billing, near, Subscriptions.Unlimited("trialing", "sub_near") with { TrialEnd = now.AddDays(3) });
        await SetAsync(billing, far, Subscriptions.Unlimited("trialing", "sub_far") with { TrialEnd = now.AddDays(4) });

        await OrderTwiceAsync(billing);

        (await ReadOnlyEmailAsync("Your trial ends on 18 November 2026")).ShouldContain("The trial of your Unlimited plan");
    }

    [Theory, OnBothEngines]
    public async Task The_end_of_a_cancelled_plan_is_told_three_days_before(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        await SetAsync(billing, subscriber, Subscriptions.Pro() with { CancelAt = billing.Clock.GetUtcNow().AddDays(2) });

        await OrderTwiceAsync(billing);

        (await ReadOnlyEmailAsync("Your Pro plan ends on 17 November 2026")).ShouldContain("Your Pro plan at PyResolve was cancelled");
    }

    [Theory]
    [InlineData("PyResolve:Plans:pro:Overage:UnitAmount", "50", "Nothing more is charged but the overage that is used until then.")]
    [InlineData("PyResolve:Plans:pro:Prices:month:Metered", "true", "Nothing more is charged but what is used until then.")]
    [InlineData("PyResolve:Plans:pro:MigrationsLimit", "9", "Nothing more is charged.")]
    public async Task The_end_of_a_cancelled_plan_says_what_is_still_charged(string setting, string value, string sentence)
    {
        var settings = new Dictionary<string, string?>(_mailbox.Settings) { [setting] = value };
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: settings);
        var subscriber = await billing.SignUpAsync();
        await SetAsync(billing, subscriber, Subscriptions.Pro() with { CancelAt = billing.Clock.GetUtcNow().AddDays(2) });

        await OrderTwiceAsync(billing);

        (await ReadOnlyEmailAsync("Your Pro plan ends on 17 November 2026")).ReplaceLineEndings("\n").ShouldContain($"\n{sentence}\n");
        (await subscriber.Account.Session.GetAsync("/billing/subscription"))["cancelling"].GetBoolean().ShouldBeTrue();
    }

    [Theory, OnBothEngines]
    public async Task A_subscription_to_something_else_queues_no_email(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var (late, trying) = (await billing.SignUpAsync(), await billing.SignUpAsync());
        var other = new PyResolve.Server.Billing.Gateway.StripePrice("price_support");
        await SetAsync(billing, late, Subscriptions.Of("sub_support", "past_due", other));
        await SetAsync(billing, trying, Subscriptions.Of("sub_other", "trialing", other) with
        {
            TrialEnd = billing.Clock.GetUtcNow().AddDays(2),
        });

        (await billing.Service<BillingEmails>().QueueAsync(Cancellation)).ShouldBe(0);

        (await late.SubscriptionAsync()).GetProperty("status").GetString().ShouldBeNull();
        (await trying.SubscriptionAsync()).GetProperty("trial_ends_at").GetString().ShouldBeNull();
        (await billing.Store.ReadNumberAsync("select count(*) from billing_letters")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task An_email_says_what_the_account_has_after_the_plan_that_ends(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        await SetPlanAsync(billing, subscriber.Account, "enterprise", until: null);
        await SetAsync(billing, subscriber, Subscriptions.Pro() with { CancelAt = billing.Clock.GetUtcNow().AddDays(2) });

        await OrderTwiceAsync(billing);

        (await ReadOnlyEmailAsync("Your Pro plan ends on 17 November 2026")).ShouldContain(
            "After that your account is on the Enterprise plan.");
    }

    [Theory, OnBothEngines]
    public async Task An_email_names_the_subscription_that_goes_on(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        var ending = Subscriptions.Unlimited(id: "sub_2") with { CancelAt = billing.Clock.GetUtcNow().AddDays(2) };
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro(), ending);
        await subscriber.SendEventAsync();
        await billing.WaitUntilProcessedAsync();

        await OrderTwiceAsync(billing);

        (await ReadOnlyEmailAsync("Your Unlimited plan ends on 17 November 2026")).ShouldContain(
            "After that your account is on the Pro plan.");
    }

    [Theory, OnBothEngines]
    public async Task While_a_payment_is_late_the_email_names_the_plan_that_an_operator_gave(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        await SetPlanAsync(billing, subscriber.Account, "pro", until: null);
        await SetAsync(billing, subscriber, Subscriptions.Unlimited("past_due").Unpaid("subscription_create"));

        await OrderTwiceAsync(billing);

        (await ReadOnlyEmailAsync("A payment for your plan failed")).ShouldContain("Until it is paid, your account is on the Pro plan.");
    }

    public static TheoryData<StorageEngine, bool> GivenPlans { get; } =
        new(from engine in StorageEngines.Both from sells in (bool[])[true, false] select (engine, sells));

    [Theory, MemberData(nameof(GivenPlans))]
    public async Task The_end_of_a_plan_that_an_operator_gave_is_told_three_days_before(StorageEngine engine, bool sells)
    {
        var settings = new Dictionary<string, string?>(_mailbox.Settings);
        if (!sells)
            settings["STRIPE_SECRET_KEY"] = null;
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: settings);
        var (near, far) = (await billing.Own.SignUpAsync(), await billing.Own.SignUpAsync());
        var today = new DateTimeOffset(billing.Clock.GetUtcNow().Date, TimeSpan.Zero);
        await SetPlanAsync(billing, near, "unlimited", today.AddDays(3));
        await SetPlanAsync(billing, far, "unlimited", today.AddDays(5));

        await OrderTwiceAsync(billing);

        (await ReadOnlyEmailAsync("Your Unlimited plan ends on 17 November 2026")).ShouldContain("After that it is on the Free plan.");
    }

    [Theory, OnBothEngines]
    public async Task A_plan_that_an_operator_prolonged_ends_with_an_email_of_its_own(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var account = await billing.Own.SignUpAsync();
        var emails = billing.Service<BillingEmails>();
        var queued = new List<int>();

        foreach (var days in (int[])[2, 30, 2])
        {
            await SetPlanAsync(billing, account, "unlimited", billing.Clock.GetUtcNow().AddDays(days));
            queued.Add(await emails.QueueAsync(Cancellation));
        }

        queued.ShouldBe([1, 0, 1]);
    }

    [Theory, OnBothEngines]
    public async Task Two_instances_queue_one_email(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        await SetAsync(billing, subscriber, Subscriptions.Pro("past_due"));
        var emails = billing.Service<BillingEmails>();

        var queued = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => emails.QueueAsync(Cancellation)));

        queued.Sum().ShouldBe(1);
        await ReadOnlyEmailAsync("A payment for your plan failed");
    }

    [Theory, OnBothEngines]
    public async Task An_email_whose_cause_has_passed_is_not_written(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        await SetAsync(billing, subscriber, Subscriptions.Pro());

        var email = await billing.Service<BillingEmailTexts>().ComposeAsync(
            BillingEmails.PaymentFailed, subscriber.Account.UserId, "sub_1", Cancellation);

        email.ShouldBeNull();
    }

    private static Task<string?> SetPlanAsync(BillingServer billing, TestAccount account, string plan, DateTimeOffset? until) =>
        billing.Service<PlanOverrides>().SetAsync(account.UserId, plan, until, Origin.Operator, Cancellation);

    private Task<BillingServer> StartAsync(StorageEngine engine) =>
        BillingServer.StartAsync(engine, servers.Postgres, settings: _mailbox.Settings);

    private static async Task SetAsync(
        BillingServer billing, Subscriber subscriber, PyResolve.Server.Billing.Gateway.StripeSubscription subscription)
    {
        await subscriber.SetSubscriptionsAsync(subscription);
        await billing.WaitUntilProcessedAsync();
    }

    /// <summary>The server's own round may come before or after these.</summary>
    private static async Task OrderTwiceAsync(BillingServer billing)
    {
        for (var i = 0; i < 2; i++)
            await billing.Service<BillingEmails>().QueueAsync(Cancellation);
    }

    private async Task<string> ReadOnlyEmailAsync(string subject)
    {
        await Eventually.IsTrueAsync(() => Emails().Count > 0, cancellationToken: Cancellation, what: "an email");
        var email = Emails().ShouldHaveSingleItem();
        email.Subject.ShouldBe(subject);
        return email.TextBody ?? "";

        List<MimeKit.MimeMessage> Emails() =>
            [.. _mailbox.Emails.Where(static email => email.Subject?.StartsWith("Confirm", StringComparison.Ordinal) != true)];
    }
}
