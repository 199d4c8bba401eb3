using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Setup makes each price of the catalogue under the product's name, and the doctor compares each with what is shown.</summary>
public sealed class CatalogueOperatorTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Setup_makes_every_price_and_a_portal_where_seats_change()
    {
        await using var billing = await StartAsync(new StripeDouble());
        await using var output = new StringWriter();

        (await billing.Service<StripeSetup>().RunAsync(output, Cancellation)).ShouldBe(0);

        output.ToString().Split(output.NewLine).Select(static line => line.Split('=')[0]).ShouldBe(
        [
            "STRIPE_PRICE_TEAM", "STRIPE_PRICE_TEAM_YEAR", "STRIPE_PRICE_SCALE", "STRIPE_PORTAL_CONFIGURATION", "STRIPE_WEBHOOK_SECRET", "",
        ]);
        var made = billing.Stripe.Prices.Select(
            static price => (price.LookupKey, price.Product, price.UnitAmount, price.Recurring!.Interval));
        made.ShouldBe(
        [
            ("pyresolve_team", "pyresolve_team", 1500, "month"), ("pyresolve_team_year", "pyresolve_team", 15000, "year"),
            ("pyresolve_scale", "pyresolve_scale", 9900, "month"),
        ]);
        billing.Stripe.Products.Select(static product => product.Id).ShouldBe(["pyresolve_team", "pyresolve_scale"]);
        billing.Stripe.Named.ShouldBe(["Tidyline Team", "Tidyline Scale"]);
    }

    [Theory, OnBothEngines]
    public async Task The_doctor_compares_every_price_and_names_plans_that_the_catalogue_does_not_have(StorageEngine engine)
    {
        var stripe = new StripeDouble();
        stripe.Prices.AddRange(
            [Made("price_team", 1500, "month"), Made("price_team_year", 15500, "year"), Made("price_scale", 9900, "month")]);
        await using var billing = await StartAsync(stripe, engine, OwnCatalogue.SettingsForSale);
        await billing.Own.SignUpAsync();
        await billing.Store.ExecuteSqlAsync("update profiles set plan = 'gold-2025'");
        await using var output = new StringWriter();

        (await billing.Service<StripeDoctor>().RunAsync(output, Cancellation)).ShouldBe(1);

        var lines = output.ToString();
        lines.ShouldContain("ok   The team plan is sold by price_team, for what /plans shows: 1500 eur a month.");
        lines.ShouldContain(
            "BAD  /plans shows 15000 eur a year for the team plan by the year, but price_team_year charges 15500 eur a year. "
            + "Set PyResolve:Plans:team:Prices:year to what is charged; or unset STRIPE_PRICE_TEAM_YEAR, and run 'stripe setup'.");
        lines.ShouldContain("BAD  The database has plans that PyResolve:Plans does not: gold-2025 (1 accounts).");
    }

    private static StripePrice Made(string id, long amount, string interval) =>
        new(id) { Active = true, UnitAmount = amount, Currency = "eur", Recurring = new(interval, "licensed") };

    private Task<BillingServer> StartAsync(
        StripeDouble stripe, StorageEngine engine = StorageEngine.Sqlite, IReadOnlyDictionary<string, string?>? settings = null) =>
        BillingServer.StartAsync(engine, servers.Postgres, stripe, new Dictionary<string, string?>(settings ?? OwnCatalogue.Settings)
        {
            ["STRIPE_PRICE_PRO"] = null,
            ["STRIPE_PRICE_UNLIMITED"] = null,
            ["PYRESOLVE_PUBLIC_URL"] = "https://api.example.com",
            ["PyResolve:Product:Name"] = "Tidyline",
        });
}
