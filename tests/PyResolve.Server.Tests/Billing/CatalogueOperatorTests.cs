using System.Text.RegularExpressions;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Setup makes each price of the catalogue under the product's name, and the doctor compares each with what is shown.</summary>
public sealed partial class CatalogueOperatorTests(SharedServers servers)
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
            + "Set PyResolve:Plans:team:Prices:year:Amount to 15500; or unset STRIPE_PRICE_TEAM_YEAR, and run 'stripe setup'.");
        lines.ShouldContain("BAD  The database has plans that PyResolve:Plans does not: gold-2025 (1 accounts).");
    }

    [Theory]
    [InlineData(1700, "eur")]
    [InlineData(1500, "usd")]
    public async Task The_setting_that_the_doctor_names_is_the_one_that_helps(long amount, string currency)
    {
        var stripe = new StripeDouble();
        stripe.Prices.AddRange(
            [Made("price_team", amount, "month") with { Currency = currency }, Made("price_team_year", 15000, "year")]);
        var settings = new Dictionary<string, string?>(OwnCatalogue.SettingsForSale);
        var (name, value) = NamedSetting().Match(await ExamineAsync(stripe, settings)) switch
        {
            var found => (found.Groups["name"].Value, found.Groups["value"].Value),
        };
        settings[name] = value;

        var after = await ExamineAsync(stripe, settings);

        after.ShouldContain($"ok   The team plan is sold by price_team, for what /plans shows: {amount} {currency} a month.");
        after.ShouldNotContain("price_team charges");
    }

    [Fact]
    public async Task The_doctor_tries_each_checkout_with_its_trial_and_each_pack_of_credits()
    {
        var stripe = new StripeDouble();
        stripe.Prices.AddRange(
            [Made("price_team", 1500, "month"), Made("price_credits", 900, "month") with { Recurring = null, Currency = "usd" }]);

        var lines = await ExamineAsync(stripe, WithCredits());

        lines.ShouldContain("ok   A checkout of the credits small was opened and closed.");
        stripe.TriedPurchases.Single().ShouldSatisfyAllConditions(
            static tried => tried.Units.ShouldBe(40), static tried => tried.Price.ShouldBe("price_credits"));
        stripe.Tried.Single().ShouldSatisfyAllConditions(
            static tried => tried.TrialDays.ShouldBe(14), static tried => tried.TrialNeedsCard.ShouldBeFalse());
    }

    [Fact]
    public async Task An_archived_price_of_credits_is_named_as_such()
    {
        var stripe = new StripeDouble();
        stripe.Prices.Add(Made("price_credits", 900, "month") with { Recurring = null, Currency = "usd", Active = false });

        (await ExamineAsync(stripe, WithCredits())).ShouldContain(
            "BAD  STRIPE_PRICE_CREDITS_SMALL names price_credits, which is archived: nobody can buy by it. Unset "
            + "STRIPE_PRICE_CREDITS_SMALL, and run 'stripe setup'.");
    }

    [Fact]
    public async Task Setup_gives_products_the_catalogues_name_also_later()
    {
        var stripe = new StripeDouble();
        stripe.Products.Add(new StripeProduct("pyresolve_team") { Name = "PyResolve Team", TaxCode = "txcd_20030000" });

        var (_, lines) = await SetUpAsync(stripe, OwnCatalogue.Settings);

        lines.ShouldContain("# The product pyresolve_team was named 'PyResolve Team': it is named 'Tidyline Team' now.");
        stripe.Products[0].ShouldBe(new StripeProduct("pyresolve_team") { Name = "Tidyline Team", TaxCode = "txcd_20030000" });
        (await SetUpAsync(stripe, OwnCatalogue.Settings)).Lines.ShouldNotContain("was named");
    }

    [Fact]
    public async Task A_plan_that_is_not_public_is_sold_and_is_not_offered_in_everyones_portal()
    {
        var stripe = new StripeDouble();
        var settings = new Dictionary<string, string?>(OwnCatalogue.Settings) { ["PyResolve:Plans:scale:Public"] = "false" };

        var (exitCode, lines) = await SetUpAsync(stripe, settings);

        exitCode.ShouldBe(0);
        lines.ShouldContain("STRIPE_PRICE_SCALE=");
        stripe.PortalConfigurations.Single().Prices.ShouldBe(
            stripe.Prices.Where(static price => price.Product == "pyresolve_team").Select(static price => price.Id));
    }

    [Fact]
    public async Task The_doctor_finds_a_plan_that_is_not_public_in_everyones_portal()
    {
        var stripe = new StripeDouble();
        stripe.PortalConfigurations.Add(new StripePortalConfiguration("bpc_1")
        {
            Active = true, IsDefault = true, SwitchesPlans = true, Prices = ["price_team", "price_team_year", "price_scale"],
            ScheduledChanges = StripePortalConfiguration.DowngradeConditions,
        });
        var settings = new Dictionary<string, string?>(OwnCatalogue.SettingsForSale) { ["PyResolve:Plans:scale:Public"] = "false" };

        (await ExamineAsync(stripe, settings)).ShouldContain(
            "BAD  The customer portal bpc_1 offers price_scale (STRIPE_PRICE_SCALE) to everyone, though that plan is not public.");
    }

    [Fact]
    public async Task A_price_that_was_set_by_hand_is_printed_again_and_is_in_the_portal()
    {
        var stripe = new StripeDouble();
        stripe.Prices.Add(Made("price_by_hand", 9900, "month") with { Product = "prod_own" });
        var settings = new Dictionary<string, string?>(OwnCatalogue.Settings) { ["STRIPE_PRICE_SCALE"] = "price_by_hand" };

        var (_, lines) = await SetUpAsync(stripe, settings);

        lines.ShouldContain("STRIPE_PRICE_SCALE=price_by_hand");
        stripe.PortalConfigurations.Single().Prices.ShouldContain("price_by_hand");
        stripe.Products.Select(static product => product.Id).ShouldBe(["pyresolve_team"]);
    }

    [Fact]
    public async Task A_price_that_setup_made_is_replaced_although_it_is_set_once_the_catalogue_says_another()
    {
        var stripe = new StripeDouble();
        var made = Made("price_scale", 8800, "month") with { Product = "pyresolve_scale", LookupKey = "pyresolve_scale" };
        stripe.Prices.Add(made);
        var settings = new Dictionary<string, string?>(OwnCatalogue.Settings) { ["STRIPE_PRICE_SCALE"] = made.Id };

        var (_, lines) = await SetUpAsync(stripe, settings);

        lines.ShouldContain("# price_scale charges 8800 eur a month, in place of 9900 eur a month: a new price replaces it.");
        lines.ShouldContain($"STRIPE_PRICE_SCALE={stripe.Prices.Single(static price => price.LookupKey == "pyresolve_scale").Id}");
    }

    [Fact]
    public async Task Of_a_metered_price_setup_says_what_differs()
    {
        var stripe = new StripeDouble();
        stripe.Prices.Add(
            Made("price_metered", 5, "month") with { LookupKey = "pyresolve_scale", Recurring = new("month", "metered") });
        var settings = new Dictionary<string, string?>(OwnCatalogue.Settings)
        {
            ["PyResolve:Plans:scale:Prices:month:Metered"] = "true",
            ["PyResolve:Plans:scale:Prices:month:Amount"] = "4",
        };

        (await SetUpAsync(stripe, settings)).Lines.ShouldContain(
            "# price_metered has the lookup key pyresolve_scale, but charges 5 eur a unit, a month, and the catalogue says 4 eur a unit, a "
            + "month.");
    }

    [Fact]
    public async Task More_plans_than_a_portal_takes_are_refused_before_anything_is_made()
    {
        var stripe = new StripeDouble();
        var settings = new Dictionary<string, string?>(OwnCatalogue.Settings);
        for (var i = 1; i <= 9; i++)
        {
            settings[$"PyResolve:Plans:more{i}:Order"] = $"{i + 10}";
            settings[$"PyResolve:Plans:more{i}:MigrationsLimit"] = "1000";
            settings[$"PyResolve:Plans:more{i}:Prices:month:Amount"] = $"{i * 100}";
        }

        (await SetUpAsync(stripe, settings)).ExitCode.ShouldBe(2);
        (stripe.Products.Count, stripe.Prices.Count, stripe.Endpoints.Count).ShouldBe((0, 0, 0));

        settings["PyResolve:Plans:more9:Public"] = "false";
        (await SetUpAsync(stripe, settings)).ExitCode.ShouldBe(0);
    }

    private static Dictionary<string, string?> WithCredits() => new(OwnCatalogue.SettingsForSale)
    {
        ["PyResolve:Plans:team:Credits"] = "true",
        ["PyResolve:Credits:small:Units"] = "40",
        ["PyResolve:Credits:small:Amount"] = "900",
        ["STRIPE_PRICE_CREDITS_SMALL"] = "price_credits",
    };

    private async Task<(int ExitCode, string Lines)> SetUpAsync(StripeDouble stripe, IReadOnlyDictionary<string, string?> settings)
    {
        await using var billing = await StartAsync(stripe, settings: settings);
        await using var output = new StringWriter();
        return (await billing.Service<StripeSetup>().RunAsync(output, Cancellation), output.ToString());
    }

    private async Task<string> ExamineAsync(StripeDouble stripe, IReadOnlyDictionary<string, string?> settings)
    {
        await using var billing = await StartAsync(stripe, settings: settings);
        await using var output = new StringWriter();
        await billing.Service<StripeDoctor>().RunAsync(output, Cancellation);
        return output.ToString();
    }

    [GeneratedRegex(
        "for the team plan, but price_team charges .* Set (?<name>[^ ]+) to (?<value>[^;]+);", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamedSetting();

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
