using Microsoft.Extensions.Configuration;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>The greater plan for a day, and back before anyone notices: the account pays for what it got.</summary>
public sealed class UpgradeUseDowngradeTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task The_greater_plan_is_paid_for_and_kept_until_the_end_of_the_month(StorageEngine engine)
    {
        await using var stripe =
            await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions { TimeProvider = new TestClock() }, Cancellation);
        var settings = await SetUpAsync(stripe);
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: settings);
        var account = await own.SignUpAsync();
        var checkout = new Uri((await account.Key.PostAsync("/billing/checkout", new { plan = "pro" }))["checkout_url"].GetString()!);
        stripe.Simulation.PayCheckout(checkout.Segments[^1]).ShouldNotBeNull();
        await PlanBecomesAsync(own, account, "pro");

        await ChoosePlanAsync(account, settings["STRIPE_PRICE_UNLIMITED"]!);
        await PlanBecomesAsync(own, account, "unlimited");
        (await account.Key.PostAsync("/quota/reservations", new { quantity = 1000, tier = "tier3" })).Status.ShouldBe(201);
        await ChoosePlanAsync(account, settings["STRIPE_PRICE_PRO"]!);

        await PlanBecomesAsync(own, account, "unlimited");
        (await account.Key.GetAsync("/billing/subscription"))["scheduled_plan"].GetString().ShouldBe("pro");
        stripe.Simulation.Advance(TimeSpan.FromDays(31));
        await PlanBecomesAsync(own, account, "pro");
        (await account.Key.GetAsync("/billing/invoices"))["data"].EnumerateArray()
            .Select(static invoice => invoice.GetProperty("amount_paid").GetInt64()).ShouldBe([1900, 3000, 1900]);
    }

    /// <summary>Prices and portal as <c>stripe setup</c> makes them.</summary>
    private static async Task<Dictionary<string, string?>> SetUpAsync(StripeSimulatorHost stripe)
    {
        var settings = new Dictionary<string, string?>
        {
            ["STRIPE_SECRET_KEY"] = stripe.SecretKey,
            ["STRIPE_API_BASE"] = stripe.Address.ToString(),
            ["STRIPE_PRICE_PRO"] = stripe.Simulation.AddPrice("Pro", 1900),
            ["STRIPE_PRICE_UNLIMITED"] = stripe.Simulation.AddPrice("Unlimited", 4900),
        };
        var options = BillingOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        var gateway = new StripeGateway(options, TimeProvider.System);
        List<StripePrice> prices = [];
        foreach (var name in (string[])["STRIPE_PRICE_PRO", "STRIPE_PRICE_UNLIMITED"])
            prices.Add((await gateway.FindPriceAsync(settings[name]!, Cancellation))!);
        var portal = await gateway.CreatePortalConfigurationAsync(
            PortalContents.Of(prices, "https://back.example", options), Cancellation);
        settings["STRIPE_PORTAL_CONFIGURATION"] = portal.Id;
        return settings;
    }

    private static async Task ChoosePlanAsync(TestAccount account, string price)
    {
        var portal = (await account.Key.GetAsync("/billing/portal"))["portal_url"].GetString()!;
        using var person = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("price", price)]);
        using var answer = await person.PostAsync(new Uri($"{portal}/plan"), form, Cancellation);
        ((int)answer.StatusCode).ShouldBe(303);
    }

    /// <summary>No webhook is set up: the server fetches, as it would after one.</summary>
    private static async Task PlanBecomesAsync(OwnServer own, TestAccount account, string plan)
    {
        var customer = (string)(await own.Store.ReadSqlAsync("select customer_id from billing_customers"))!;
        var sync = (CustomerSync)own.Server.Services.GetService(typeof(CustomerSync))!;
        await sync.RunAsync(customer, Cancellation);
        (await account.Key.GetAsync("/quota"))["plan"].GetString().ShouldBe(plan);
    }
}
