using System.Globalization;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// Servers as processes, one of which is killed while plans change and people check out. Whoever gets no answer asks again, as Stripe does;
/// an event that was answered never comes again, and nothing else looks for it.
/// </summary>
internal sealed class CrashingServers(TestStore store, StripeDouble stripe, StripeListener listener, ServerProcess[] instances) : IAsyncDisposable
{
    private const int Subscribers = 12;
    private const int Newcomers = 2;

    /// <summary>Milliseconds: a read of Stripe takes two of these at most, and a kill falls somewhere into the round.</summary>
    private const int SlowestLeg = 150;

    private const int LatestDelivery = 200;
    private const int LatestKill = 500;

    private readonly Random _random = new(20_261_123);
    private readonly List<(TestAccount Account, string CustomerId)> _subscribers = [];
    private int _accounts;
    private int _changes;

    /// <summary>How many events were stored and had no effect yet when a server was killed.</summary>
    public long Interrupted { get; private set; }

    public int Kills { get; private set; }

    public int Changes => _changes;

    public TimeSpan LongestRecovery { get; private set; }

    public static async Task<CrashingServers> StartAsync(TestStore store, CancellationToken cancellationToken)
    {
        var stripe = new StripeDouble();
        var listener = await StripeListener.StartAsync(stripe);
        var settings = new Dictionary<string, string?>(store.Settings.Concat(BillingServer.Settings))
        {
            ["STRIPE_API_BASE"] = listener.Address,
            ["PyResolve__PasswordIterations"] = "1000",
            ["PyResolve__SignUpsPerHour"] = "1000000",
        };
        // An embedded database has one server.
        var starts = Enumerable.Range(0, store.Engine is StorageEngine.Postgres ? 2 : 1).Select(_ => ServerProcess.StartAsync(settings, cancellationToken));
        var servers = new CrashingServers(store, stripe, listener, await Task.WhenAll(starts));
        for (var i = 0; i < Subscribers; i++)
            servers._subscribers.Add(await servers.SubscribeAsync());
        stripe.OnTheWay = static (_, cancellation) => Task.Delay(Random.Shared.Next(SlowestLeg), cancellation);
        return servers;
    }

    /// <summary>
    /// Every plan changes, newcomers check out, a subscriber deletes the account, and one server is killed meanwhile and started again; then
    /// all is as it should be.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var newcomers = new List<TestAccount>();
        for (var i = 0; i < Newcomers; i++)
            newcomers.Add(await SignUpAsync());
        var leaver = await SubscribeAsync();
        stripe.Set(leaver.CustomerId, Subscriptions.Pro(id: $"sub_of_{leaver.CustomerId}"));
        var plan = Kills % 2 == 0 ? Subscriptions.Unlimited() : Subscriptions.Pro();
        var victim = instances[_random.Next(instances.Length)];

        await Task.WhenAll(
        [
            .. _subscribers.Select(subscriber => ChangeAsync(subscriber.CustomerId, plan, After(LatestDelivery), cancellationToken)),
            .. newcomers.Select(newcomer => CheckOutAsync(newcomer, After(LatestDelivery), cancellationToken)),
            LeaveAsync(leaver.Account, After(LatestDelivery), cancellationToken),
            KillAsync(victim, After(LatestKill), cancellationToken),
        ]);

        var expected = Kills % 2 == 1 ? "unlimited" : "pro";
        var recovery = await Eventually.IsTrueAsync(
            async () => await store.ReadNumberAsync("select count(*) from stripe_events where state <> 'done'") == 0
                && await store.ReadNumberAsync($"select count(*) from profiles where plan = '{expected}'") == Subscribers
                && stripe.SubscriptionsOf(leaver.CustomerId).Single().Status == "canceled",
            TimeSpan.FromSeconds(60), cancellationToken, $"every subscriber on {expected} after kill {Kills}");
        LongestRecovery = recovery > LongestRecovery ? recovery : LongestRecovery;
    }

    /// <summary>Each change counted once, here and at Stripe.</summary>
    public async Task CheckAsync()
    {
        (await store.ReadNumberAsync("select count(*) from stripe_events where state = 'done' and type not like 'pyresolve.%'")).ShouldBe(_changes);
        foreach (var (account, customerId) in _subscribers)
        {
            (await store.ReadNumberAsync($"select count(*) from audit_log where action = 'account.plan_changed' and user_id = '{account.UserId}'"))
                .ShouldBe(_changes / Subscribers, customerId);
        }

        stripe.CustomersCreated.ShouldBe(_accounts);
        (await store.ReadNumberAsync("select count(*) from billing_customers where unlinked_at is null")).ShouldBe(_accounts);
        stripe.Checkouts.Count.ShouldBe(_accounts);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in instances)
            await instance.DisposeAsync();
        await listener.DisposeAsync();
    }

    private async Task<(TestAccount Account, string CustomerId)> SubscribeAsync()
    {
        var account = await SignUpAsync();
        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
        return (account, stripe.Checkouts[^1].Customer!);
    }

    private Task<TestAccount> SignUpAsync() =>
        TestAccount.SignUpAsync(instances[0].Http, string.Create(CultureInfo.InvariantCulture, $"crash{++_accounts}@example.com"));

    private async Task ChangeAsync(string customerId, PyResolve.Server.Billing.Gateway.StripeSubscription plan, TimeSpan after, CancellationToken cancellationToken)
    {
        await Task.Delay(after, cancellationToken);
        stripe.Set(customerId, plan);
        Interlocked.Increment(ref _changes);
        var body = BillingServer.Event(customerId);
        await InsistAsync(http => BillingServer.DeliverAsync(http, body, TimeProvider.System.GetUtcNow()), cancellationToken);
    }

    private async Task CheckOutAsync(TestAccount account, TimeSpan after, CancellationToken cancellationToken)
    {
        await Task.Delay(after, cancellationToken);
        await InsistAsync(http => account.On(http).Key.PostAsync("/billing/checkout", new { plan = "pro" }), cancellationToken);
    }

    private async Task LeaveAsync(TestAccount account, TimeSpan after, CancellationToken cancellationToken)
    {
        await Task.Delay(after, cancellationToken);
        // Asked again, whoever is gone already is nobody.
        await InsistAsync(
            http => account.On(http).Session.SendAsync(HttpMethod.Delete, "/auth/account", new { password = TestAccount.Password }), cancellationToken, done: [204, 401]);
    }

    private async Task KillAsync(ServerProcess victim, TimeSpan after, CancellationToken cancellationToken)
    {
        await Task.Delay(after, cancellationToken);
        await victim.KillAsync();
        Kills++;
        Interrupted += await store.ReadNumberAsync("select count(*) from stripe_events where state = 'pending'");
        await victim.RestartAsync(cancellationToken);
    }

    /// <summary>Asks any instance until one answers as it should: by default, 200.</summary>
    private async Task InsistAsync(Func<HttpClient, Task<Answer>> ask, CancellationToken cancellationToken, params int[] done)
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
                // Killed before it answered, or not there yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    private TimeSpan After(int latest) => TimeSpan.FromMilliseconds(_random.Next(latest));
}
