using Microsoft.Extensions.Configuration;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Tests.Billing;
using PyResolve.StripeSimulator;
using Stripe;

namespace PyResolve.Server.Tests.Credits;

/// <summary>A server that sells plans, credits and overage at the simulator. No webhook is set up: the server fetches, as it would after
/// one.</summary>
internal sealed class SimulatedShop : IAsyncDisposable
{
    private readonly StripeSimulatorHost _stripe;
    private readonly Dictionary<string, string?> _settings;
    private readonly StripeClient _api;

    private SimulatedShop(StripeSimulatorHost stripe, Dictionary<string, string?> settings, OwnServer own)
    {
        (_stripe, _settings, Own) = (stripe, settings, own);
        _api = new StripeClient(
            stripe.SecretKey,
            httpClient: new SystemNetHttpClient(enableTelemetry: false),
            apiBase: stripe.Address.GetLeftPart(UriPartial.Authority));
    }

    public OwnServer Own { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<SimulatedShop> OpenAsync(StorageEngine engine, SharedServers servers)
    {
        var stripe = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions { TimeProvider = new TestClock() }, Cancellation);
        var settings = new Dictionary<string, string?>(OwnCatalogue.Settings)
        {
            ["PyResolve:Plans:team:TrialDays"] = null,
            ["PyResolve:Plans:team:Credits"] = "true",
            ["PyResolve:Plans:team:Overage:UnitAmount"] = "7",
            ["PyResolve:Plans:team:Overage:MaxUnits"] = "50",
            ["PyResolve:Credits:small:Units"] = "40",
            ["PyResolve:Credits:small:Amount"] = "900",
            ["PyResolve:Credits:small:Currency"] = "eur",
            ["STRIPE_SECRET_KEY"] = stripe.SecretKey,
            ["STRIPE_API_BASE"] = stripe.Address.ToString(),
        };
        await SetUpAsync(settings);
        return new SimulatedShop(stripe, settings, await OwnServer.StartAsync(engine, servers.Postgres, settings: settings));
    }

    public Task<TestAccount> SignUpAsync() => Own.SignUpAsync();

    public async Task BuyAsync(TestAccount account, object wanted)
    {
        var started = await account.Key.PostAsync("/billing/checkout", wanted);
        started.Status.ShouldBe(200, started.Text);
        _stripe.Simulation.PayCheckout(new Uri(started["checkout_url"].GetString()!).Segments[^1]).ShouldNotBeNull();
        await SyncAsync();
    }

    public async Task InPortalAsync(TestAccount account, string action)
    {
        var portal = (await account.Key.GetAsync("/billing/portal"))["portal_url"].GetString()!;
        using var person = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });
        using var form = new FormUrlEncodedContent([]);
        using var answer = await person.PostAsync(new Uri($"{portal}/{action}"), form, Cancellation);
        ((int)answer.StatusCode).ShouldBe(303, await answer.Content.ReadAsStringAsync(Cancellation));
        await SyncAsync();
    }

    /// <summary>The server's clock stays: the month of usage is the same.</summary>
    public async Task AdvanceAsync(int days)
    {
        _stripe.Simulation.Advance(TimeSpan.FromDays(days));
        await SyncAsync();
    }

    /// <summary>As the operator does it in Stripe's dashboard: the portal does not change a subscription with overage.</summary>
    public async Task SwitchAsync(string priceSetting)
    {
        var customer = (string)(await Own.Store.ReadSqlAsync("select customer_id from billing_customers"))!;
        _stripe.Simulation.Subscription(_stripe.Simulation.SubscriptionsOf(customer).Single()).SwitchTo(_settings[priceSetting]!);
        await SyncAsync();
    }

    public async Task RefundCreditsAsync(long amount)
    {
        var paid = await FindPaymentOfCreditsAsync();
        await _api.V1.Refunds.CreateAsync(
            new RefundCreateOptions { PaymentIntent = paid.Id, Amount = amount }, cancellationToken: Cancellation);
        await SyncAsync();
    }

    /// <returns>The dispute's id.</returns>
    public async Task<string> DisputeCreditsAsync()
    {
        var dispute = _stripe.Simulation.DisputeCharge((await FindPaymentOfCreditsAsync()).LatestChargeId);
        await SyncAsync();
        return dispute;
    }

    public async Task CloseDisputeAsync(string dispute, bool isWon)
    {
        _stripe.Simulation.CloseDispute(dispute, isWon);
        await SyncAsync();
    }

    /// <summary>From now on no report of usage arrives, until <see cref="TakeReports"/>.</summary>
    public void RefuseReports(int status = 503) =>
        _stripe.Simulation.Requests.FailNext(1000, status: status, route: "POST /v1/billing/meter_events");

    public void TakeReports() => _stripe.Simulation.Requests.Heal();

    /// <summary>Also of an account that is deleted; newest first.</summary>
    public async Task<long[]> PaidAtStripeAsync() =>
        [.. (await _api.V1.Invoices.ListAsync(cancellationToken: Cancellation)).Data.Select(static invoice => invoice.AmountPaid)];

    private async Task<PaymentIntent> FindPaymentOfCreditsAsync()
    {
        var sessions = await _api.V1.Checkout.Sessions.ListAsync(cancellationToken: Cancellation);
        var paid = sessions.Data.Single(static session => session.Mode == "payment");
        return await _api.V1.PaymentIntents.GetAsync(paid.PaymentIntentId, cancellationToken: Cancellation);
    }

    public Task EverythingIsReportedAsync() => Eventually.IsTrueAsync(
        async () => await Own.Store.ReadNumberAsync("select count(*) from meter_events where sent_at is null") == 0,
        what: "every meter event sent");

    public async Task SyncAsync()
    {
        var customer = (string)(await Own.Store.ReadSqlAsync("select customer_id from billing_customers"))!;
        await ((CustomerSync)Own.Server.Services.GetService(typeof(CustomerSync))!).RunAsync(customer, Cancellation);
    }

    /// <summary>Newest first.</summary>
    public static async Task<long[]> PaidAsync(TestAccount account) =>
    [
        .. (await account.Key.GetAsync("/billing/invoices"))["data"].EnumerateArray()
            .Select(static invoice => invoice.GetProperty("amount_paid").GetInt64()),
    ];

    public async ValueTask DisposeAsync()
    {
        await Own.DisposeAsync();
        await _stripe.DisposeAsync();
    }

    /// <summary>Prices, meter and portal as <c>stripe setup</c> makes them; a second time changes nothing.</summary>
    private static async Task SetUpAsync(Dictionary<string, string?> settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        var options = BillingOptions.Read(configuration);
        var catalog = new StripeCatalog(new StripeGateway(options, TimeProvider.System), new PlanCatalog(configuration), options);
        var plans = await catalog.EnsurePricesAsync(TextWriter.Null, Cancellation);
        var others = await catalog.EnsureOtherPricesAsync(TextWriter.Null, Cancellation);
        (await catalog.EnsureOtherPricesAsync(TextWriter.Null, Cancellation)).Select(static made => made.Made.Id)
            .ShouldBe(others.Select(static made => made.Made.Id));
        foreach (var (price, made) in plans.Concat(others))
            settings[price.Variable] = made.Id;
        var portal = await catalog.EnsurePortalAsync(
            plans, "https://back.example", TextWriter.Null, Cancellation);
        settings["STRIPE_PORTAL_CONFIGURATION"] = portal.Id;
    }
}
