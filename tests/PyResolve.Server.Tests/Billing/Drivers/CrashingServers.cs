using System.Globalization;
using PyResolve.StripeSimulator;
using Stripe;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// Server processes that use one Stripe simulator; one of them is killed while plans change and people check out. A request without an
/// answer is repeated, as Stripe does; an event that was answered is not sent again, and is not fetched in any other way.
/// </summary>
internal sealed class CrashingServers(TestStore store, StripeSimulatorHost stripe, ServerProcess[] instances) : IAsyncDisposable
{
    private const int Subscribers = 12;
    private const int Newcomers = 2;

    /// <summary>Milliseconds.</summary>
    private const int LatestDelivery = 200;
    private const int LatestKill = 500;

    /// <summary>A read from Stripe takes at most twice as long.</summary>
    private static readonly TimeSpan SlowestLeg = TimeSpan.FromMilliseconds(150);

    private readonly Random _random = new(20_261_123);
    private readonly List<(TestAccount Account, string CustomerId)> _subscribers = [];
    private readonly StripeClient _api = new(
        stripe.SecretKey,
        httpClient: new SystemNetHttpClient(enableTelemetry: false),
        apiBase: stripe.Address.GetLeftPart(UriPartial.Authority));
    private int _accounts;
    private int _changes;

    /// <summary>The number of events that were stored but not yet processed when a server was killed.</summary>
    public long Interrupted { get; private set; }

    public int Kills { get; private set; }

    public int Changes => _changes;

    public TimeSpan LongestRecovery { get; private set; }

    public static async Task<CrashingServers> StartAsync(TestStore store, CancellationToken cancellationToken)
    {
        var stripe = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions(), cancellationToken);
        stripe.Simulation.AddPrice("PyResolve Pro", 1900, id: "price_pro");
        stripe.Simulation.AddPrice("PyResolve Unlimited", 9900, id: "price_unlimited");
        var settings = new Dictionary<string, string?>(store.Settings.Concat(BillingServer.Settings))
        {
            ["STRIPE_API_BASE"] = stripe.Address.ToString(),
            ["STRIPE_SECRET_KEY"] = stripe.SecretKey,
            // Two instances of one service share its public address; with an address each, a checkout that is repeated on the other
            // instance would return to another address, and so replace the first one.
            ["PYRESOLVE_PUBLIC_URL"] = "http://localhost:8080",
            ["PyResolve__PasswordIterations"] = "1000",
            ["PyResolve__SignUpsPerHour"] = "1000000",
        };
        // Only one server can use an embedded database.
        var starts = Enumerable.Range(0, store.Engine is StorageEngine.Postgres ? 2 : 1).Select(
            _ => ServerProcess.StartAsync(settings, cancellationToken));
        var servers = new CrashingServers(store, stripe, await Task.WhenAll(starts));
        for (var i = 0; i < Subscribers; i++)
            servers._subscribers.Add(await servers.SubscribeAsync());
        stripe.Simulation.Requests.SlowReads(SlowestLeg);
        return servers;
    }

    /// <summary>
    /// Every plan changes, new accounts check out, and a subscriber deletes the account, while one server is killed and restarted. At the
    /// end, all plans are right.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var newcomers = new List<TestAccount>();
        for (var i = 0; i < Newcomers; i++)
            newcomers.Add(await SignUpAsync());
        var leaver = await SubscribeAsync();
        var left = Subscribe(leaver.CustomerId, "price_pro");
        var price = Kills % 2 == 0 ? "price_unlimited" : "price_pro";
        var victim = instances[_random.Next(instances.Length)];

        await Task.WhenAll(
        [
            .. _subscribers.Select(subscriber => ChangeAsync(subscriber.CustomerId, price, After(LatestDelivery), cancellationToken)),
            .. newcomers.Select(newcomer => CheckOutAsync(newcomer, After(LatestDelivery), cancellationToken)),
            DeleteAsync(leaver.Account, After(LatestDelivery), cancellationToken),
            KillAsync(victim, After(LatestKill), cancellationToken),
        ]);

        var expected = Kills % 2 == 1 ? "unlimited" : "pro";
        var recovery = await Eventually.IsTrueAsync(
            async () => await store.ReadNumberAsync("select count(*) from stripe_events where state <> 'done'") == 0
                && await store.ReadNumberAsync($"select count(*) from profiles where plan = '{expected}'") == Subscribers
                && stripe.Simulation.Subscription(left).Status == "canceled",
            TimeSpan.FromSeconds(60), cancellationToken, $"every subscriber on {expected} after kill {Kills}");
        LongestRecovery = recovery > LongestRecovery ? recovery : LongestRecovery;
    }

    /// <summary>Checks that each change was made once, here and at Stripe.</summary>
    public async Task CheckAsync()
    {
        (await store.ReadNumberAsync(
            "select count(*) from stripe_events where state = 'done' and type not like 'pyresolve.%'")).ShouldBe(_changes);
        foreach (var (account, customerId) in _subscribers)
        {
            (await store.ReadNumberAsync(
                $"select count(*) from audit_log where action = 'account.plan_changed' and user_id = '{account.UserId}'"))
                .ShouldBe(_changes / Subscribers, customerId);
        }

        (await _api.V1.Customers.ListAutoPagingAsync().CountAsync()).ShouldBe(_accounts);
        (await store.ReadNumberAsync("select count(*) from billing_customers where unlinked_at is null")).ShouldBe(_accounts);
        var checkouts = await _api.V1.Checkout.Sessions.ListAutoPagingAsync().ToListAsync();
        checkouts.GroupBy(static checkout => checkout.ClientReferenceId)
            .Where(static ofAccount => ofAccount.Count() > 1)
            .SelectMany(static ofAccount => ofAccount.Select(checkout => $"{checkout.Id} {checkout.Status} {checkout.SuccessUrl} "
                + string.Join(',', checkout.Metadata)))
            .ShouldBeEmpty();
        checkouts.Count.ShouldBe(_accounts);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in instances)
            await instance.DisposeAsync();
        await stripe.DisposeAsync();
    }

    private async Task<(TestAccount Account, string CustomerId)> SubscribeAsync()
    {
        var account = await SignUpAsync();
        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
        return (
            account, (string)(await store.ReadSqlAsync($"select customer_id from billing_customers where user_id = '{account.UserId}'"))!);
    }

    /// <summary>Creates a subscription at Stripe without a checkout and without an event.</summary>
    private string Subscribe(string customerId, string price)
    {
        stripe.Simulation.ReplaceCard(customerId, CardBehaviour.Works);
        return stripe.Simulation.Subscribe(customerId, price);
    }

    private Task<TestAccount> SignUpAsync() =>
        TestAccount.SignUpAsync(instances[0].Http, string.Create(CultureInfo.InvariantCulture, $"crash{++_accounts}@example.com"));

    private async Task ChangeAsync(string customerId, string price, TimeSpan after, CancellationToken cancellationToken)
    {
        await Task.Delay(after, cancellationToken);
        if (stripe.Simulation.SubscriptionsOf(customerId) is [var subscription])
            stripe.Simulation.Subscription(subscription).Set(new SubscriptionEdit { Prices = [price] });
        else
            Subscribe(customerId, price);
        Interlocked.Increment(ref _changes);
        var body = BillingServer.Event(customerId);
        await RepeatUntilAnsweredAsync(http => BillingServer.DeliverAsync(http, body, TimeProvider.System.GetUtcNow()), cancellationToken);
    }

    private async Task CheckOutAsync(TestAccount account, TimeSpan after, CancellationToken cancellationToken)
    {
        await Task.Delay(after, cancellationToken);
        await RepeatUntilAnsweredAsync(
            http => account.On(http).Key.PostAsync("/billing/checkout", new { plan = "pro" }), cancellationToken);
    }

    private async Task DeleteAsync(TestAccount account, TimeSpan after, CancellationToken cancellationToken)
    {
        await Task.Delay(after, cancellationToken);
        // 401: an earlier attempt has already deleted the account.
        await RepeatUntilAnsweredAsync(
            http => account.On(http).Session.SendAsync(HttpMethod.Delete, "/auth/account", new { password = TestAccount.Password }),
            cancellationToken,
            done: [204, 401]);
    }

    private async Task KillAsync(ServerProcess victim, TimeSpan after, CancellationToken cancellationToken)
    {
        await Task.Delay(after, cancellationToken);
        await victim.KillAsync();
        Kills++;
        Interrupted += await store.ReadNumberAsync("select count(*) from stripe_events where state = 'pending'");
        await victim.RestartAsync(cancellationToken);
    }

    /// <summary>Sends a request to random instances until one answers 200, or another given status.</summary>
    private async Task RepeatUntilAnsweredAsync(Func<HttpClient, Task<Answer>> ask, CancellationToken cancellationToken, params int[] done)
    {
        while (true)
        {
            try
            {
                var answer = await ask(instances[Random.Shared.Next(instances.Length)].Http);
                if (answer.Status == 200 || done.Contains(answer.Status))
                    return;
                answer.Status.ShouldBe(503, answer.Text);
            }
            catch (Exception exception) when (ServerProcess.IsAway(exception))
            {
                // Killed before it answered, or not started yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    private TimeSpan After(int latest) => TimeSpan.FromMilliseconds(_random.Next(latest));
}
