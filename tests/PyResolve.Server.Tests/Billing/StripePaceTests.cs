using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Stripe's limit is one for all accounts: no account, and nobody without one, can use it up.</summary>
public sealed class StripePaceTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Opening_the_return_page_without_end_asks_Stripe_once_in_five_seconds(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        var token = await billing.Store.ReadSqlAsync("select return_token from billing_customers");
        var before = billing.Stripe.Reads;
        Task<Answer> ReturnAsync() => billing.Own.Server.Anonymous.GetAsync($"/billing/return?customer={token}");

        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => ReturnAsync()));

        answers.ShouldAllBe(answer => answer.Status == 302);
        (billing.Stripe.Reads - before).ShouldBe(1);
        billing.Clock.Advance(TimeSpan.FromSeconds(4.9));
        await ReturnAsync();
        (billing.Stripe.Reads - before).ShouldBe(1);
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        billing.Clock.Advance(TimeSpan.FromSeconds(0.1));
        await ReturnAsync();
        (await subscriber.PlanAsync()).ShouldBe("pro");
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite, "portal")]
    [InlineData(StorageEngine.Postgres, "portal")]
    [InlineData(StorageEngine.Sqlite, "checkout")]
    [InlineData(StorageEngine.Postgres, "checkout")]
    [InlineData(StorageEngine.Sqlite, "open checkout")]
    [InlineData(StorageEngine.Postgres, "open checkout")]
    public async Task Who_opens_another_page_at_once_and_returns_from_it_sees_its_change_too(StorageEngine engine, string page)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        Task<Answer> CheckOutAsync() => subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" });
        if (page == "open checkout")
            await CheckOutAsync();
        await BillingServer.ReturnFromStripeAsync(billing.Own.Server, billing.Store, subscriber.CustomerId);

        var opened = page == "portal" ? await subscriber.Account.Key.GetAsync("/billing/portal") : await CheckOutAsync();
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        await BillingServer.ReturnFromStripeAsync(billing.Own.Server, billing.Store, subscriber.CustomerId);

        opened.Status.ShouldBe(200, opened.Text);
        (await subscriber.PlanAsync()).ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_clock_that_was_far_ahead_does_not_keep_a_customer_from_returning(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await using (var wrong = await TestServer.StartAsync(
            billing.Store,
            BillingServer.Settings,
            new TestClock(billing.Clock.GetUtcNow().AddDays(730)),
            services => BillingServer.Use(billing.Stripe, services)))
        {
            await BillingServer.ReturnFromStripeAsync(wrong, billing.Store, subscriber.CustomerId);
        }

        var before = billing.Stripe.Reads;

        await BillingServer.ReturnFromStripeAsync(billing.Own.Server, billing.Store, subscriber.CustomerId);

        billing.Stripe.Reads.ShouldBeGreaterThan(before);
    }

    [Theory, OnBothEngines]
    public async Task An_account_that_alternates_checkouts_without_end_is_stopped_and_others_are_not(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var (account, other) = (await billing.Own.SignUpAsync(), await billing.Own.SignUpAsync());
        var accepted = 0;
        for (var i = 0; i < BillingLimits.RequestsPerMinute; i++)
        {
            var answer = i % 3 == 2
                ? await account.Key.GetAsync("/billing/portal")
                : await account.Key.PostAsync("/billing/checkout", new { plan = i % 2 == 0 ? "pro" : "unlimited" });
            accepted += answer.Status == 200 ? 1 : 0;
        }

        var checkout = await account.Session.PostAsync("/billing/checkout", new { plan = "pro" });
        var portal = await account.Key.GetAsync("/billing/portal");

        accepted.ShouldBe(BillingLimits.RequestsPerMinute);
        foreach (var refused in new[] { checkout, portal })
        {
            refused.ShouldBeProblem(429, "rate_limited");
            refused.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        }

        (await account.Key.GetAsync("/billing/subscription")).Status.ShouldBe(200);
        (await other.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
        billing.Clock.Advance(TimeSpan.FromMinutes(1));
        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
    }

    [Fact]
    public async Task The_whole_server_never_calls_Stripe_faster_than_its_limit()
    {
        await using var edge = await StripeEdge.StartAsync(requestsPerSecond: 60);
        var startedAt = TimeProvider.System.GetTimestamp();

        await Task.WhenAll(Enumerable.Range(0, 100).Select(
            i => Task.Run(
                () =>
                {
                    if (i % 2 == 0)
                        StripePace.ActFor(Guid.CreateVersion7());
                    return edge.Gateway.FindCheckoutAsync("cs_1", CancellationToken.None);
                },
                TestContext.Current.CancellationToken)));

        // 20 at once, then 40 a second: never more than 60 within a second.
        edge.Requests.Count.ShouldBe(100);
        TimeProvider.System.GetElapsedTime(startedAt).ShouldBeGreaterThan(TimeSpan.FromSeconds(1.95));
    }

    [Fact]
    public async Task One_accounts_many_calls_delay_neither_webhooks_nor_other_accounts()
    {
        var pace = new StripePace(perSecond: 3, TimeProvider.System);
        await pace.WaitAsync(CancellationToken.None);
        var (busy, quiet) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var calls = Enumerable.Range(0, 20).Select(_ => CallFor(busy)).ToList();

        var (webhook, other) = (CallFor(null), CallFor(quiet));
        await Task.WhenAll(webhook, other);

        // Two a second, one at a time.
        calls.Count(call => call.IsCompleted).ShouldBeLessThanOrEqualTo(3);

        Task CallFor(Guid? account) => Task.Run(() =>
        {
            if (account is { } id)
                StripePace.ActFor(id);
            return pace.WaitAsync(CancellationToken.None);
        });
    }

    [Fact]
    public async Task A_call_that_was_given_up_while_it_waited_uses_up_nothing()
    {
        var pace = new StripePace(perSecond: 3, TimeProvider.System);
        await pace.WaitAsync(CancellationToken.None);
        using var gaveUp = new CancellationTokenSource();
        var abandoned = Enumerable.Range(0, 20).Select(_ => pace.WaitAsync(gaveUp.Token)).ToList();
        var startedAt = TimeProvider.System.GetTimestamp();

        await gaveUp.CancelAsync();
        foreach (var call in abandoned)
            await Should.ThrowAsync<OperationCanceledException>(call);
        await pace.WaitAsync(CancellationToken.None);

        // At two a second, the twenty would take ten seconds.
        TimeProvider.System.GetElapsedTime(startedAt).ShouldBeLessThan(TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData("sk_test_1", null, 20)]
    [InlineData("rk_test_1", null, 20)]
    [InlineData("sk_live_1", null, 80)]
    [InlineData("rk_live_1", null, 80)]
    [InlineData("sk_live_1", "33", 33)]
    public void The_limit_is_below_that_of_Stripe_in_each_mode(string key, string? setting, int expected)
    {
        var configuration = new Microsoft.Extensions.Configuration.ConfigurationManager
        {
            ["STRIPE_SECRET_KEY"] = key,
            ["PyResolve:Stripe:RequestsPerSecond"] = setting,
        };

        PyResolve.Server.Billing.Settings.BillingOptions.Read(configuration).RequestsPerSecond.ShouldBe(expected);
    }
}
