using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;

namespace PyResolve.Server.Tests.Billing;

/// <summary><c>stripe doctor</c>: each defect is one line that says how to fix it, and sets the exit code.</summary>
public sealed class DoctorTests(SharedServers servers)
{
    private static readonly Dictionary<string, Defect> Defects = new Defect[]
    {
        new("the endpoint is disabled", stripe => Endpoint(stripe, static endpoint => endpoint with { Status = "disabled" }),
            "The webhook endpoint we_1 is disabled. Enable it in the dashboard, or run 'stripe setup'."),
        new("the endpoint is of another version", stripe =>
            Endpoint(stripe, static endpoint => endpoint with { ApiVersion = "2015-10-16" }),
            $"The webhook endpoint we_1 sends API version 2015-10-16, not {BillingOptions.PinnedApiVersion}. "
            + "Events work all the same; 'stripe setup' creates one of this version."),
        new("an event is not subscribed to", stripe => Endpoint(stripe, static endpoint =>
            endpoint with { EnabledEvents = [.. endpoint.EnabledEvents!.Where(type => type != "invoice.paid")] }),
            "The webhook endpoint we_1 does not send invoice.paid. 'stripe setup' adds what is missing."),
        new("there is no endpoint", static stripe => stripe.Endpoints.Clear(),
            "No webhook endpoint of test mode sends to https://api.example.com/webhooks/stripe. "
            + "Is PYRESOLVE_PUBLIC_URL right? 'stripe setup' creates the endpoint."),
        new("a price is not there", static stripe => stripe.Prices.RemoveAt(0),
            "STRIPE_PRICE_PRO names price_pro, which does not exist in test mode. Is the key of the other mode?"),
        new("a price is archived", stripe => Price(stripe, static price => price with { Active = false }),
            "STRIPE_PRICE_PRO names price_pro, which is archived: no new subscription can use it."),
        new("a price is of the other mode", stripe => Price(stripe, static price => price with { Livemode = true }),
            "STRIPE_PRICE_PRO names price_pro, which is not of test mode."),
        new("the price shown is not the price charged", stripe => Price(stripe, static price => price with { UnitAmount = 900 }),
            "/plans shows 1900 usd a month for the pro plan, but price_pro charges 900 usd a month. "
            + "Set PyResolve:Plans:pro:Price:Amount to 900; or unset STRIPE_PRICE_PRO, and run 'stripe setup'."),
        new("the currency shown is not the currency charged", stripe => Price(stripe, static price => price with { Currency = "eur" }),
            "/plans shows 1900 usd a month for the pro plan, but price_pro charges 1900 eur a month. "
            + "Set PyResolve:Plans:pro:Price:Currency to eur; or unset STRIPE_PRICE_PRO, and run 'stripe setup'."),
        new("the interval shown is not the interval charged",
            stripe => Price(stripe, static price => price with { Recurring = new("year", "licensed") }),
            "/plans shows 1900 usd a month for the pro plan, but price_pro charges 1900 usd a year. "
            + "Set PyResolve:Plans:pro:Price:Interval to year; or unset STRIPE_PRICE_PRO, and run 'stripe setup'."),
        new("the portal makes downgrades at once", static stripe =>
            stripe.PortalConfigurations[0] = stripe.PortalConfigurations[0] with { ScheduledChanges = [] },
            "The customer portal bpc_1 makes a downgrade at once, and credits the rest of the month: who upgrades, uses and downgrades "
            + "pays nothing. 'stripe setup' lets downgrades wait for the end of the period."),
        new("the portal lets nobody change", static stripe =>
            stripe.PortalConfigurations[0] = stripe.PortalConfigurations[0] with { SwitchesPlans = false },
            "The customer portal bpc_1 lets nobody change to another plan, and several are sold. 'stripe setup' makes one that does, and "
            + "prints the setting."),
        new("the portal does not offer a price", static stripe =>
            stripe.PortalConfigurations[0] = stripe.PortalConfigurations[0] with { Prices = ["price_pro", "price_of_last_year"] },
            "The customer portal bpc_1 does not offer price_unlimited (STRIPE_PRICE_UNLIMITED): nobody can change to it. 'stripe setup' "
            + "brings a portal that it made up to date."),
        new("a product has another name", static stripe =>
            stripe.Products.Add(new StripeProduct("pyresolve_pro") { Name = "Tidyline Pro" }),
            "Receipts say 'Tidyline Pro' (the product pyresolve_pro), in place of 'PyResolve Pro'. 'stripe setup' gives it that name."),
        new("the portal is not set up", static stripe => stripe.PortalConfigurations.Clear(),
            "STRIPE_PORTAL_CONFIGURATION is not set, and the account has no default: "
            + "customers cannot change or cancel a subscription. 'stripe setup' creates one and prints the setting."),
        new("the portal's configuration is another mode's", static stripe => stripe.PortalConfigurations.Clear(),
            "STRIPE_PORTAL_CONFIGURATION names bpc_1, which does not exist in test mode, or is not active: "
            + "customers cannot change or cancel a subscription. 'stripe setup' prints one that is.", "bpc_1"),
        new("the clock is wrong", static stripe => stripe.Skew = TimeSpan.FromSeconds(-90),
            "The clocks are 90 s apart. Signatures are refused from 300 s on: keep this machine's clock set (NTP)."),
    }.ToDictionary(defect => defect.Name);

    public static TheoryData<string> Names { get; } = [.. Defects.Keys];

    [Theory, InlineData(null), InlineData("bpc_1")]
    public async Task Without_a_defect_every_line_is_ok(string? portal)
    {
        var (exitCode, lines) = await RunDoctorAsync(static _ => { }, portal);

        exitCode.ShouldBe(0);
        lines.ShouldNotBeEmpty();
        lines.ShouldAllBe(line => line.StartsWith("ok   ", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Each_defect_is_the_only_bad_line(string name)
    {
        var (exitCode, lines) = await RunDoctorAsync(Defects[name].Cause, Defects[name].Portal);

        exitCode.ShouldBe(1);
        lines.Where(line => !line.StartsWith("ok   ", StringComparison.Ordinal)).ShouldBe([$"BAD  {Defects[name].Line}"]);
    }

    [Fact]
    public async Task Stripe_that_refuses_to_sell_is_found_before_a_buyer_finds_it()
    {
        var (exitCode, lines) = await RunDoctorAsync(
            static stripe => stripe.RefusesCheckouts = new StripeException("Stripe answered 400: The tax code is not eligible.")
            {
                Status = 400,
            },
            portal: null);

        exitCode.ShouldBe(1);
        lines.Where(line => !line.StartsWith("ok   ", StringComparison.Ordinal)).ShouldBe(
            [
                "BAD  Stripe refuses every checkout of the pro plan. Stripe answered 400: The tax code is not eligible.",
                "BAD  Stripe refuses every checkout of the unlimited plan. Stripe answered 400: The tax code is not eligible.",
            ]);
    }

    [Fact]
    public async Task A_permission_that_a_restricted_key_lacks_is_named_and_the_other_checks_go_on()
    {
        const string Cause = "Stripe answered 403: The provided key 'rk_test_…' does not have the required permissions.";
        var (exitCode, lines) = await RunDoctorAsync(
            static stripe => stripe.RefusesCheckouts = new StripeException(Cause) { Status = 403 }, portal: null);

        exitCode.ShouldBe(1);
        lines.Count(line => line == $"BAD  The key lacks a permission; docs/stripe.md lists those that it needs. {Cause}").ShouldBe(2);
        lines[^1].ShouldBe("ok   No event is dead.");
    }

    [Fact]
    public async Task All_permissions_that_a_restricted_key_lacks_are_listed()
    {
        var (exitCode, lines) = await RunDoctorAsync(
            static stripe => stripe.MissingPermissions.AddRange(["Customers: write", "Invoices: read"]), portal: null, "rk_test_double");

        exitCode.ShouldBe(1);
        lines.Where(line => !line.StartsWith("ok   ", StringComparison.Ordinal)).ShouldBe(
            ["BAD  The restricted key lacks these permissions: Customers: write, Invoices: read. Add them in the dashboard, where the key "
                + "was made."]);
    }

    private async Task<(int ExitCode, string[] Lines)> RunDoctorAsync(
        Action<StripeDouble> cause, string? portal, string key = "sk_test_double")
    {
        var stripe = new StripeDouble();
        stripe.Prices.AddRange(
            [
                Subscriptions.ProPrice with { Active = true, UnitAmount = 1900, Currency = "usd" },
                Subscriptions.UnlimitedPrice with { Active = true, UnitAmount = 4900, Currency = "usd" },
            ]);
        stripe.Endpoints.Add(new StripeWebhookEndpoint("we_1", "https://api.example.com/webhooks/stripe")
        {
            Status = "enabled", ApiVersion = BillingOptions.PinnedApiVersion, EnabledEvents = StripeEvents.Subscribed,
        });
        stripe.PortalConfigurations.Add(new StripePortalConfiguration("bpc_1")
        {
            Active = true, IsDefault = true, SwitchesPlans = true, Prices = ["price_pro", "price_unlimited"],
            ScheduledChanges = StripePortalConfiguration.DowngradeConditions,
        });
        cause(stripe);
        await using var billing = await BillingServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, stripe,
            new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = "https://api.example.com",
                ["STRIPE_PORTAL_CONFIGURATION"] = portal, ["STRIPE_SECRET_KEY"] = key });
        await using var output = new StringWriter();

        var exitCode = await billing.Service<StripeDoctor>().RunAsync(output, TestContext.Current.CancellationToken);

        return (exitCode, output.ToString().Split(output.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    private static void Endpoint(StripeDouble stripe, Func<StripeWebhookEndpoint, StripeWebhookEndpoint> change) =>
        stripe.Endpoints[0] = change(stripe.Endpoints[0]);

    private static void Price(StripeDouble stripe, Func<StripePrice, StripePrice> change) => stripe.Prices[0] = change(stripe.Prices[0]);

    private sealed record Defect(string Name, Action<StripeDouble> Cause, string Line, string? Portal = null);
}
