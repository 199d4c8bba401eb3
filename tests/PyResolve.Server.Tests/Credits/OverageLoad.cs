using System.Globalization;
using PyResolve.Server.Tests.Billing;
using PyResolve.StripeSimulator;
using PyResolve.StripeSimulator.Api;
using Stripe;
using Stripe.Billing;

namespace PyResolve.Server.Tests.Credits;

/// <summary>
/// Clients that reserve, commit and release units of overage on a server that is killed meanwhile. A commit without an answer is sent
/// again, with an id of its event or without one, until it is answered.
/// </summary>
internal sealed class OverageLoad : IAsyncDisposable
{
    private const int Clients = 4;
    private const int LongestLoad = 600;
    private const long PlanAmount = 1900;
    private const long UnitAmount = 50;
    private const string Meter = "pyresolve_pro_overage";
    private const string Route = "POST /v1/billing/meter_events";

    private readonly TestStore _store;
    private readonly StripeSimulatorHost _stripe;
    private readonly ServerProcess _server;
    private readonly StripeClient _api;
    private readonly Random _random = new(20_261_130);
    private TestAccount _account = null!;
    private string _customer = "";
    private long _committed;
    private long _released;

    private OverageLoad(TestStore store, StripeSimulatorHost stripe, ServerProcess server)
    {
        (_store, _stripe, _server) = (store, stripe, server);
        _api = new StripeClient(
            stripe.SecretKey,
            httpClient: new SystemNetHttpClient(enableTelemetry: false),
            apiBase: stripe.Address.GetLeftPart(UriPartial.Authority));
    }

    public int Kills { get; private set; }

    /// <summary>Meter events that were stored and not sent when the server was killed.</summary>
    public long Interrupted { get; private set; }

    /// <summary>Requests that reported usage to Stripe, also those that it knew already.</summary>
    public long Reports => _stripe.Simulation.Requests.Counts.GetValueOrDefault(Route);

    public long Committed => _committed;

    public long Released => _released;

    public static async Task<OverageLoad> StartAsync(TestStore store, CancellationToken cancellationToken)
    {
        var stripe = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions(), cancellationToken);
        stripe.Simulation.AddPrice("PyResolve Pro", PlanAmount, id: "price_pro");
        stripe.Simulation.AddPrice("PyResolve Unlimited", 4900, id: "price_unlimited");
        var settings = new Dictionary<string, string?>(store.Settings.Concat(BillingServer.Settings))
        {
            ["STRIPE_API_BASE"] = stripe.Address.ToString(),
            ["STRIPE_SECRET_KEY"] = stripe.SecretKey,
        };
        foreach (var (name, value) in CreditShop.Settings(limit: 0, maxOverage: 1_000_000))
            settings[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        var load = new OverageLoad(store, stripe, await ServerProcess.StartAsync(settings, cancellationToken));
        await load.SubscribeAsync(cancellationToken);
        return load;
    }

    /// <summary>Some load, a kill in the middle of it, and a restart, after which every client gets its answer.</summary>
    public async Task RunAndKillAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _stripe.Simulation.Requests.FailNext(
            1, status: 0, FailureMoment.AfterEffect, Route, shouldRetry: false);
        var clients = Enumerable.Range(0, Clients).Select(number => WorkAsync(new Random(_random.Next()), stop.Token)).ToList();
        await Task.Delay(_random.Next(50, LongestLoad), cancellationToken);
        await _server.KillAsync();
        Kills++;
        Interrupted += await UnsentAsync();
        await stop.CancelAsync();
        await _server.RestartAsync(cancellationToken);
        await Task.WhenAll(clients);
    }

    public Task SettleAsync(CancellationToken cancellationToken) => Eventually.IsTrueAsync(
        async () => await UnsentAsync() == 0, TimeSpan.FromSeconds(60), cancellationToken, "every meter event sent");

    /// <summary>Units on the invoices after the end of the period.</summary>
    public async Task<long> BilledAsync()
    {
        _stripe.Simulation.Advance(TimeSpan.FromDays(32));
        var invoices = (await _api.V1.Invoices.ListAsync(new InvoiceListOptions { Customer = _customer })).Data;
        return (invoices.Sum(static invoice => invoice.AmountPaid) - (PlanAmount * invoices.Count)) / UnitAmount;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _stripe.DisposeAsync();
    }

    private Task<long> UnsentAsync() => _store.ReadNumberAsync("select count(*) from meter_events where sent_at is null");

    private async Task SubscribeAsync(CancellationToken cancellationToken)
    {
        _account = await TestAccount.SignUpAsync(_server.Http);
        (await _account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
        _customer = (string)(await _store.ReadSqlAsync("select customer_id from billing_customers"))!;
        _stripe.Simulation.ReplaceCard(_customer, CardBehaviour.Works);
        var subscription = _stripe.Simulation.Subscribe(_customer, "price_pro");
        var meter = await _api.V1.Billing.Meters.CreateAsync(
            new MeterCreateOptions
            {
                DisplayName = "Overage",
                EventName = Meter,
                DefaultAggregation = new MeterDefaultAggregationOptions { Formula = "sum" },
            },
            cancellationToken: cancellationToken);
        var price = await _api.V1.Prices.CreateAsync(
            new PriceCreateOptions
            {
                Currency = "usd",
                UnitAmount = UnitAmount,
                ProductData = new PriceProductDataOptions { Name = "Overage" },
                Recurring = new PriceRecurringOptions { Interval = "month", UsageType = "metered", Meter = meter.Id },
            },
            cancellationToken: cancellationToken);
        await _api.V1.Subscriptions.UpdateAsync(
            subscription,
            new SubscriptionUpdateOptions { Items = [new SubscriptionItemOptions { Price = price.Id }] },
            cancellationToken: cancellationToken);
        await BillingServer.DeliverAsync(_server.Http, BillingServer.Event(_customer), TimeProvider.System.GetUtcNow());
        await Eventually.IsTrueAsync(
            async () => await _store.ReadNumberAsync("select count(*) from profiles where plan = 'pro'") == 1,
            what: "the plan pro");
        await _store.ExecuteSqlAsync("update profiles set overage_limit = 1000000, overage_plan = 'pro'");
    }

    private async Task WorkAsync(Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var quantity = random.Next(1, 4);
            if (await TryReserveAsync(quantity) is not { } id)
                continue;
            if (random.Next(3) > 0)
            {
                var used = random.Next(1, quantity + 1);
                object commit = random.Next(2) == 0
                    ? new { quantity = used, id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()) }
                    : new { quantity = used };
                await RepeatAsync(() => _account.CommitAsync(id, commit));
                Interlocked.Add(ref _committed, used);
            }
            else
            {
                await RepeatAsync(() => _account.ReleaseAsync(id));
                Interlocked.Add(ref _released, quantity);
            }
        }
    }

    /// <summary>A reservation without an answer is left alone: it expires, and bills nothing.</summary>
    private async Task<Guid?> TryReserveAsync(int quantity)
    {
        try
        {
            var answer = await _account.ReserveAsync(quantity);
            answer.Status.ShouldBeOneOf(201, 503);
            return answer.Status == 201 ? answer.Id() : null;
        }
        catch (Exception exception) when (ServerProcess.IsAway(exception))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50));
            return null;
        }
    }

    private static async Task RepeatAsync(Func<Task<Answer>> ask)
    {
        while (true)
        {
            try
            {
                var answer = await ask();
                if (answer.Status == 200)
                    return;
                answer.Status.ShouldBe(503, answer.Text);
            }
            catch (Exception exception) when (ServerProcess.IsAway(exception))
            {
                // Killed before it answered, or not started yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }
}
