using System.Globalization;
using Microsoft.Extensions.Configuration;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// A catalogue of other names is set up as the operator does it, sold, used up, changed and cancelled; the sums are the test's own.
/// </summary>
public sealed class CatalogueStoryTests(SharedServers servers)
{
    private const int TeamMonth = 1500;
    private const int TeamYear = 15000;
    private const int ScaleMonth = 9900;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task Three_seats_are_tried_used_up_paid_and_cancelled(StorageEngine engine)
    {
        await using var shop = await OpenAsync(engine);
        var ann = await shop.SignUpAsync();
        await shop.BuyAsync(ann, new { plan = "team", quantity = 3 });

        await shop.PlanIsAsync(ann, "team", limit: 3 * 100);
        (await ann.ReserveAsync(quantity: 300)).Status.ShouldBe(201);
        (await ann.ReserveAsync()).Status.ShouldBe(402);
        await shop.AdvanceAsync(ann, days: 14);
        await shop.AdvanceAsync(ann, days: 31);
        await shop.InPortalAsync(ann, "cancel");
        await shop.PlanIsAsync(ann, "team", limit: 300);
        await shop.AdvanceAsync(ann, days: 31);

        await shop.PlanIsAsync(ann, "hobby", limit: 10);
        (await PaidAsync(ann)).ShouldBe([3 * TeamMonth, 3 * TeamMonth, 0]);
    }

    [Theory, OnBothEngines]
    public async Task A_trial_without_a_card_pauses_and_goes_on_with_one(StorageEngine engine)
    {
        await using var shop = await OpenAsync(engine);
        var dan = await shop.SignUpAsync();
        await shop.BuyAsync(dan, new { plan = "team", quantity = 2 }, card: null);
        await shop.PlanIsAsync(dan, "team", limit: 200);
        await shop.AdvanceAsync(dan, days: 20);
        await shop.PlanIsAsync(dan, "hobby", limit: 10);

        await shop.BuyAsync(dan, new { plan = "team", quantity = 2 }, CardBehaviour.FailsOnRenewal);
        await shop.PlanIsAsync(dan, "hobby", limit: 10);
        await shop.BuyAsync(dan, new { plan = "team", quantity = 2 });

        await shop.PlanIsAsync(dan, "team", limit: 200);
        (await PaidAsync(dan)).ShouldBe([2 * TeamMonth, 0]);
    }

    [Theory, OnBothEngines]
    public async Task A_trial_that_has_paused_gives_way_to_another_plan(StorageEngine engine)
    {
        await using var shop = await OpenAsync(engine);
        var fay = await shop.SignUpAsync();
        await shop.BuyAsync(fay, new { plan = "team", quantity = 2 }, card: null);
        await shop.AdvanceAsync(fay, days: 20);

        await shop.BuyAsync(fay, new { plan = "scale" });
        await shop.PlanIsAsync(fay, "scale", limit: null);
        await shop.AdvanceAsync(fay, days: 31);

        await shop.PlanIsAsync(fay, "scale", limit: null);
        (await PaidAsync(fay)).ShouldBe([ScaleMonth, ScaleMonth, 0]);
    }

    [Theory, OnBothEngines]
    public async Task The_greater_plan_costs_the_difference_and_the_lesser_waits_for_the_next_month(StorageEngine engine)
    {
        await using var shop = await OpenAsync(engine);
        var ben = await shop.SignUpAsync();
        await shop.BuyAsync(ben, new { plan = "team" });
        await shop.AdvanceAsync(ben, days: 14);

        await shop.ChooseAsync(ben, "STRIPE_PRICE_SCALE");
        await shop.PlanIsAsync(ben, "scale", limit: null);
        await shop.ChooseAsync(ben, "STRIPE_PRICE_TEAM");
        await shop.PlanIsAsync(ben, "scale", limit: null);
        await shop.AdvanceAsync(ben, days: 31);

        await shop.PlanIsAsync(ben, "team", limit: 100);
        (await PaidAsync(ben)).ShouldBe([TeamMonth, ScaleMonth - TeamMonth, TeamMonth, 0]);
    }

    [Theory, OnBothEngines]
    public async Task A_year_is_paid_at_once_and_a_change_to_months_waits_for_its_end(StorageEngine engine)
    {
        await using var shop = await OpenAsync(engine);
        var eve = await shop.SignUpAsync();
        await shop.BuyAsync(eve, new { plan = "team", interval = "year" });
        await shop.AdvanceAsync(eve, days: 14);

        (await eve.Key.GetAsync("/billing/subscription"))["interval"].GetString().ShouldBe("year");
        await shop.ChooseAsync(eve, "STRIPE_PRICE_TEAM");
        await shop.AdvanceAsync(eve, days: 200);
        (await PaidAsync(eve)).ShouldBe([TeamYear, 0]);
        await shop.AdvanceAsync(eve, days: 166);

        await shop.PlanIsAsync(eve, "team", limit: 100);
        (await PaidAsync(eve)).ShouldBe([TeamMonth, TeamYear, 0]);
    }

    /// <summary>Newest first. A trial has an invoice of nothing.</summary>
    private static async Task<long[]> PaidAsync(TestAccount account) =>
    [
        .. (await account.Key.GetAsync("/billing/invoices"))["data"].EnumerateArray()
            .Select(static invoice => invoice.GetProperty("amount_paid").GetInt64()),
    ];

    private async Task<Shop> OpenAsync(StorageEngine engine)
    {
        var stripe = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions { TimeProvider = new TestClock() }, Cancellation);
        var settings = new Dictionary<string, string?>(OwnCatalogue.Settings)
        {
            ["STRIPE_SECRET_KEY"] = stripe.SecretKey,
            ["STRIPE_API_BASE"] = stripe.Address.ToString(),
        };
        await SetUpAsync(settings);
        return new Shop(stripe, settings, await OwnServer.StartAsync(engine, servers.Postgres, settings: settings));
    }

    /// <summary>Prices and portal as <c>stripe setup</c> makes them.</summary>
    private static async Task SetUpAsync(Dictionary<string, string?> settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        var options = BillingOptions.Read(configuration);
        var catalog = new StripeCatalog(new StripeGateway(options, TimeProvider.System), new PlanCatalog(configuration), options);
        var prices = await catalog.EnsurePricesAsync(TextWriter.Null, Cancellation);
        foreach (var (price, made) in prices)
            settings[price.Variable] = made.Id;
        var portal = await catalog.EnsurePortalAsync(
            prices, "https://back.example", TextWriter.Null, Cancellation);
        settings["STRIPE_PORTAL_CONFIGURATION"] = portal.Id;
    }

    /// <summary>No webhook is set up: the server fetches, as it would after one.</summary>
    private sealed class Shop(StripeSimulatorHost stripe, Dictionary<string, string?> settings, OwnServer own) : IAsyncDisposable
    {
        public Task<TestAccount> SignUpAsync() => own.SignUpAsync();

        public async Task BuyAsync(TestAccount account, object wanted, CardBehaviour? card = CardBehaviour.Works)
        {
            var started = await account.Key.PostAsync("/billing/checkout", wanted);
            started.Status.ShouldBe(200, started.Text);
            stripe.Simulation.PayCheckout(new Uri(started["checkout_url"].GetString()!).Segments[^1], card).ShouldNotBeNull();
            await SyncAsync();
        }

        public Task ChooseAsync(TestAccount account, string price) => InPortalAsync(account, "plan", ("price", settings[price]!));

        public async Task InPortalAsync(TestAccount account, string action, params (string Name, string Value)[] fields)
        {
            var portal = (await account.Key.GetAsync("/billing/portal"))["portal_url"].GetString()!;
            using var person = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });
            using var form = new FormUrlEncodedContent(fields.Select(static field => KeyValuePair.Create(field.Name, field.Value)));
            using var answer = await person.PostAsync(new Uri($"{portal}/{action}"), form, Cancellation);
            ((int)answer.StatusCode).ShouldBe(303, await answer.Content.ReadAsStringAsync(Cancellation));
            await SyncAsync();
        }

        /// <summary>The server's clock stays: the month of usage is the same.</summary>
        public async Task AdvanceAsync(TestAccount account, int days)
        {
            stripe.Simulation.Advance(TimeSpan.FromDays(days));
            await SyncAsync();
            (await account.Key.GetAsync("/billing/subscription")).Status.ShouldBe(200);
        }

        public async Task PlanIsAsync(TestAccount account, string plan, long? limit)
        {
            var quota = await account.Key.GetAsync("/quota");
            var shown = limit?.ToString(CultureInfo.InvariantCulture) ?? "unlimited";
            (quota["plan"].GetString(), quota["migrations_limit"].ToString()).ShouldBe((plan, shown));
        }

        private async Task SyncAsync()
        {
            var customer = (string)(await own.Store.ReadSqlAsync("select customer_id from billing_customers"))!;
            var sync = (CustomerSync)own.Server.Services.GetService(typeof(CustomerSync))!;
            await sync.RunAsync(customer, Cancellation);
        }

        public async ValueTask DisposeAsync()
        {
            await own.DisposeAsync();
            await stripe.DisposeAsync();
        }
    }
}
