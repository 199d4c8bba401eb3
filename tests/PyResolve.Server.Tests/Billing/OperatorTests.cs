using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Commands;
using PyResolve.StripeSimulator;
using PyResolve.StripeSimulator.Lifecycle;

namespace PyResolve.Server.Tests.Billing;

/// <summary>The operator's commands: a dry run writes nothing, and a failure does not stop other repairs.</summary>
public sealed class OperatorTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_dry_run_writes_nothing_and_links_no_customer(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        billing.Stripe.Set("cus_lost", Subscriptions.Pro());
        billing.Stripe.Add(
            new StripeCustomer("cus_lost") { Metadata = new Dictionary<string, string> { ["user_id"] = account.UserId.ToString() } });

        (await SyncAsync(billing, "cus_lost", isDryRun: true)).ShouldBe(0);
        (await billing.Store.ReadNumberAsync("select count(*) from billing_customers")).ShouldBe(0);
        (await billing.Store.ReadNumberAsync("select count(*) from profiles where stripe_customer_id is not null or plan <> 'free'"))
            .ShouldBe(0);

        (await SyncAsync(billing, "cus_lost", isDryRun: false)).ShouldBe(0);
        (await billing.Store.ReadNumberAsync("select count(*) from profiles where stripe_customer_id = 'cus_lost' and plan = 'pro'"))
            .ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_dry_run_lists_what_a_deleted_account_left_open_and_changes_nothing(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var cancellation = TestContext.Current.CancellationToken;
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await billing.WaitUntilProcessedAsync();
        await subscriber.DeleteAccountAsync();
        await billing.WaitUntilProcessedAsync();
        var checkout = billing.Stripe.Checkouts.Single().Id;
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        billing.Stripe.SetCheckout(checkout, StripeCheckoutSession.Open);
        var sync = billing.Service<CustomerSync>();

        (await SyncAsync(billing, customer: null, isDryRun: true)).ShouldBe(0);
        var preview = await sync.PreviewAsync(subscriber.CustomerId, subscriber.Account.UserId, cancellation);
        (preview.Before == preview.Now, preview.HasChanges).ShouldBe((true, true));
        preview.Orphaned.ShouldBe([Subscriptions.Pro().Id, checkout]);
        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Single().Status.ShouldBe("active");

        (await SyncAsync(billing, customer: null, isDryRun: false)).ShouldBe(0);
        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Single().Status.ShouldBe("canceled");
        billing.Stripe.Checkouts.Single().Status.ShouldBe("expired");
        (await sync.PreviewAsync(subscriber.CustomerId, subscriber.Account.UserId, cancellation)).Orphaned.ShouldBeEmpty();
    }

    [Theory, OnBothEngines]
    public async Task A_failure_does_not_stop_other_repairs_and_sets_the_exit_code(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        for (var i = 0; i < 3; i++)
            billing.Stripe.Set((await billing.SignUpAsync()).CustomerId, Subscriptions.Pro(id: $"sub_{i}"));
        billing.Stripe.FailNext(1);

        (await SyncAsync(billing, customer: null, isDryRun: false)).ShouldBe(1);
        (await billing.Store.ReadNumberAsync("select count(*) from profiles where plan = 'pro'")).ShouldBe(2);

        (await SyncAsync(billing, customer: null, isDryRun: false)).ShouldBe(0);
        (await billing.Store.ReadNumberAsync("select count(*) from profiles where plan = 'pro'")).ShouldBe(3);
    }

    [Theory, OnBothEngines]
    public async Task Setup_adds_missing_events_and_removes_none(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = "https://api.example.com",
                ["STRIPE_PRICE_PRO"] = null, ["STRIPE_PRICE_UNLIMITED"] = null });
        await billing.Service<StripeSetup>().RunAsync(TextWriter.Null, TestContext.Current.CancellationToken);
        var made = billing.Stripe.Endpoints.ShouldHaveSingleItem();
        billing.Stripe.Endpoints[0] = made with { EnabledEvents = [made.EnabledEvents![0], "payout.paid"] };

        (await billing.Service<StripeSetup>().RunAsync(TextWriter.Null, TestContext.Current.CancellationToken)).ShouldBe(0);

        billing.Stripe.Endpoints.ShouldHaveSingleItem().EnabledEvents.ShouldBe([.. made.EnabledEvents, "payout.paid"], ignoreOrder: true);
    }

    [Fact]
    public async Task Running_setup_again_creates_nothing_and_prints_the_same_settings()
    {
        await using var billing = await BillingServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres,
            settings: new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = "https://api.example.com", ["STRIPE_PRICE_PRO"] = null,
                ["STRIPE_PRICE_UNLIMITED"] = null });
        await using var first = new StringWriter();
        await using var second = new StringWriter();

        (await billing.Service<StripeSetup>().RunAsync(first, TestContext.Current.CancellationToken)).ShouldBe(0);
        (await billing.Service<StripeSetup>().RunAsync(second, TestContext.Current.CancellationToken)).ShouldBe(0);

        var (lines, again) = (first.ToString().Split(first.NewLine), second.ToString().Split(second.NewLine));
        lines.Select(line => line.Split('=')[0])
            .ShouldBe(["STRIPE_PRICE_PRO", "STRIPE_PRICE_UNLIMITED", "STRIPE_PORTAL_CONFIGURATION", "STRIPE_WEBHOOK_SECRET", ""]);
        again[..3].ShouldBe(lines[..3]);
        // Stripe shows the secret only once: the one that is set is printed, so that the output may replace the file.
        again[3].ShouldBe($"STRIPE_WEBHOOK_SECRET={BillingServer.WebhookSecret}");
        again.Length.ShouldBe(lines.Length);
        (billing.Stripe.Products.Count, billing.Stripe.Prices.Count, billing.Stripe.PortalConfigurations.Count,
            billing.Stripe.Endpoints.Count).ShouldBe((2, 2, 1, 1));
    }

    [Theory]
    [InlineData("whsec_1,whsec_2", "enabled", "STRIPE_WEBHOOK_SECRET=whsec_1,whsec_2")]
    [InlineData("whsec_1", "disabled", "STRIPE_WEBHOOK_SECRET=whsec_of_the_new_endpoint,whsec_1")]
    [InlineData(null, "enabled", "# STRIPE_WEBHOOK_SECRET is not set here")]
    public async Task Setup_loses_no_secret_of_an_endpoint_that_there_is(string? secret, string status, string line)
    {
        await using var billing = await BillingServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?>
            {
                ["PYRESOLVE_PUBLIC_URL"] = "https://api.example.com", ["STRIPE_PRICE_PRO"] = null, ["STRIPE_PRICE_UNLIMITED"] = null,
                ["STRIPE_WEBHOOK_SECRET"] = secret,
            });
        billing.Stripe.Endpoints.Add(new StripeWebhookEndpoint("we_1", "https://api.example.com/webhooks/stripe")
        {
            Status = status, ApiVersion = BillingOptions.PinnedApiVersion, EnabledEvents = StripeEvents.Subscribed,
        });
        await using var output = new StringWriter();

        (await billing.Service<StripeSetup>().RunAsync(output, TestContext.Current.CancellationToken)).ShouldBe(0);

        output.ToString().Split(output.NewLine).ShouldContain(said => said.StartsWith(line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task At_an_address_that_Stripe_does_not_reach_setup_and_doctor_say_how_events_arrive()
    {
        await using var billing = await BillingServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?>
            {
                ["PYRESOLVE_PUBLIC_URL"] = "http://localhost:8000", ["STRIPE_PRICE_PRO"] = null, ["STRIPE_PRICE_UNLIMITED"] = null,
            });
        await using var output = new StringWriter();
        await using var examined = new StringWriter();

        (await billing.Service<StripeSetup>().RunAsync(output, TestContext.Current.CancellationToken)).ShouldBe(0);
        await billing.Service<StripeDoctor>().RunAsync(examined, TestContext.Current.CancellationToken);

        billing.Stripe.Endpoints.ShouldBeEmpty();
        output.ToString().ShouldContain("'stripe listen --forward-to localhost:8000/webhooks/stripe'");
        output.ToString().ShouldContain($"{output.NewLine}STRIPE_WEBHOOK_SECRET={BillingServer.WebhookSecret}");
        examined.ToString().ShouldContain(
            "ok   Stripe does not reach http://localhost:8000/webhooks/stripe. Is PYRESOLVE_PUBLIC_URL right? On a laptop "
            + "'stripe listen --forward-to localhost:8000/webhooks/stripe'");
    }

    [Theory, OnBothEngines]
    public async Task Setup_brings_an_older_portal_up_to_date_under_its_id(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = "https://api.example.com",
                ["STRIPE_PRICE_PRO"] = null, ["STRIPE_PRICE_UNLIMITED"] = null });
        billing.Stripe.Products.Add(new StripeProduct("pyresolve_pro"));
        billing.Stripe.PortalConfigurations.Add(new StripePortalConfiguration("bpc_old")
        {
            Active = true, SwitchesPlans = true, Metadata = new Dictionary<string, string> { ["made_by"] = "pyresolve price_1 price_2" },
        });
        await using var output = new StringWriter();

        (await billing.Service<StripeSetup>().RunAsync(output, TestContext.Current.CancellationToken)).ShouldBe(0);

        output.ToString().ShouldContain("STRIPE_PORTAL_CONFIGURATION=bpc_old");
        billing.Stripe.PortalConfigurations.ShouldHaveSingleItem().DowngradesAtOnce.ShouldBeFalse();
        billing.Stripe.Products.ShouldAllBe(product => product.TaxCode == "txcd_10103001");
    }

    [Fact]
    public async Task Setup_needs_no_database()
    {
        await using var stripe = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions(), TestContext.Current.CancellationToken);
        var data = Directory.CreateTempSubdirectory("pyresolve-setup-");
        var settings = new Dictionary<string, string?>
        {
            ["PYRESOLVE_DATA"] = data.FullName,
            ["PYRESOLVE_PUBLIC_URL"] = "https://api.example.com",
            ["STRIPE_API_BASE"] = stripe.Address.ToString(),
            ["STRIPE_SECRET_KEY"] = stripe.SecretKey,
        };

        var result = await ServerProcess.RunAsync(["stripe", "setup"], settings, TestContext.Current.CancellationToken);

        var lines = result.OrThrow("stripe setup").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Select(line => line.Split('=')[0])
            .ShouldBe(["STRIPE_PRICE_PRO", "STRIPE_PRICE_UNLIMITED", "STRIPE_PORTAL_CONFIGURATION", "STRIPE_WEBHOOK_SECRET"]);
        data.Delete(recursive: true);
    }

    [Theory, OnBothEngines]
    public async Task A_customer_named_only_in_a_profile_is_adopted(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        await billing.Own.SignUpAsync();
        await billing.Store.ExecuteSqlAsync("update profiles set stripe_customer_id = 'cus_from_the_seed', plan = 'unlimited'");
        billing.Stripe.Add(new StripeCustomer("cus_from_the_seed"));

        (await SyncAsync(billing, customer: null, isDryRun: true)).ShouldBe(0);
        (await billing.Store.ReadNumberAsync("select count(*) from billing_customers")).ShouldBe(0);
        (await SyncAsync(billing, customer: null, isDryRun: false)).ShouldBe(0);

        (await billing.Store.ReadNumberAsync("select count(*) from billing_customers where customer_id = 'cus_from_the_seed'")).ShouldBe(1);
        (await billing.Store.ReadSqlAsync("select plan from profiles")).ShouldBe("free");
    }

    [Fact]
    public async Task The_doctor_reports_that_Stripe_does_not_answer()
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        billing.Stripe.IsSilent = true;
        await using var output = new StringWriter();
        var checking = billing.Service<StripeDoctor>().RunAsync(output, TestContext.Current.CancellationToken);

        billing.Clock.Advance(TimeSpan.FromSeconds(15));

        (await checking).ShouldBe(1);
        output.ToString().ShouldContain("BAD  Stripe did not answer at https://api.stripe.com within 15 s.");
    }

    private static Task<int> SyncAsync(BillingServer billing, string? customer, bool isDryRun) =>
        StripeCommands.SyncAsync(billing.Own.Server.Services, customer, isDryRun, TestContext.Current.CancellationToken);
}
