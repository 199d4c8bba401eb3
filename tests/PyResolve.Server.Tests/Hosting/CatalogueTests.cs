using Microsoft.Extensions.Configuration;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>The catalogue of plans is configuration. What is wrong with it is said at the start, with what to set.</summary>
public sealed class CatalogueTests(SharedServers servers)
{
    [Fact]
    public void Without_settings_the_four_plans_are_what_they_always_were()
    {
        var plans = Read();

        plans.All.Select(static plan => (plan.Name, plan.MigrationsLimit, plan.LlmAllowed, plan.Price?.Amount)).ShouldBe(
            [("free", 5, false, null), ("pro", 50, true, 1900), ("unlimited", null, true, 4900), ("enterprise", null, true, null)]);
        plans.Prices.Select(static price => (price.Variable, price.LookupKey)).ShouldBe(
            [("STRIPE_PRICE_PRO", "pyresolve_pro"), ("STRIPE_PRICE_UNLIMITED", "pyresolve_unlimited")]);
    }

    [Fact]
    public async Task The_default_bodies_begin_byte_for_byte_as_they_always_were()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        var plans = (await server.Anonymous.GetAsync("/plans")).Text;
        var unknown = await account.Key.PostAsync("/billing/checkout", new { plan = "gold" });

        string[] before =
        [
            """{"name":"free","migrations_limit":5,"llm_allowed":false,"price":null""",
            """{"name":"pro","migrations_limit":50,"llm_allowed":true,"price":{"amount":1900,"currency":"usd","interval":"month"}""",
            """{"name":"unlimited","migrations_limit":"unlimited","llm_allowed":true,"price":{"amount":4900,"currency":"usd","interval":"""
                + "\"month\"}",
            """{"name":"enterprise","migrations_limit":"unlimited","llm_allowed":true,"price":null""",
        ];
        plans.ShouldStartWith($$"""{"data":[{{before[0]}},""");
        foreach (var plan in before.Skip(1))
            plans.ShouldContain($"}},{plan},");
        unknown.ShouldBeProblem(400, "malformed").Detail.ShouldBe("Invalid plan. Use 'pro' or 'unlimited'");
        (await account.Key.GetAsync("/quota")).Text.ShouldStartWith(
            """{"plan":"free","migrations_used":0,"migrations_limit":5,"migrations_remaining":5,"llm_allowed":false,"can_migrate":true,""");
    }

    [Fact]
    public void Plans_of_other_names_are_the_whole_catalogue_in_their_order()
    {
        var plans = Read(OwnCatalogue.Settings);

        plans.Names.ShouldBe(["hobby", "team", "scale"]);
        plans.WithoutPayment.Name.ShouldBe("hobby");
        plans.Find("team")!.Features.ShouldBe(["Support by email", "Shared history"]);
        plans.Prices.Select(static price => price.Variable).ShouldBe(
            ["STRIPE_PRICE_TEAM", "STRIPE_PRICE_TEAM_YEAR", "STRIPE_PRICE_SCALE"]);
        (plans.Rank("scale") > plans.Rank("team"), plans.Greater("scale", "team")).ShouldBe((true, "scale"));
        plans["of_an_earlier_catalogue"].Name.ShouldBe("hobby");
        plans["team"].WithSeats(3).MigrationsLimit.ShouldBe(300);
    }

    [Fact]
    public async Task The_plans_are_shown_with_all_that_is_said_of_them()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: OwnCatalogue.Settings);

        var team = (await own.Server.Anonymous.GetAsync("/plans"))["data"][1];

        team.GetProperty("title").GetString().ShouldBe("Team");
        team.GetProperty("description").GetString().ShouldBe("For people who work together.");
        team.GetProperty("features").GetRawText().ShouldBe("""["Support by email","Shared history"]""");
        team.GetProperty("prices").GetRawText().ShouldBe(
            """[{"amount":1500,"currency":"eur","interval":"month"},{"amount":15000,"currency":"eur","interval":"year"}]""");
        (team.GetProperty("trial_days").GetInt32(), team.GetProperty("per_seat").GetBoolean()).ShouldBe((14, true));
    }

    [Theory, OnBothEngines]
    public async Task An_account_begins_on_the_plan_without_payment_whatever_its_name(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: OwnCatalogue.Settings);
        var account = await own.SignUpAsync();

        var quota = await account.Key.GetAsync("/quota");

        (quota["plan"].GetString(), quota["migrations_limit"].GetInt64()).ShouldBe(("hobby", 10));
        (await account.ReserveAsync(quantity: 11)).Status.ShouldBe(402);
        (await account.ReserveAsync(tier: "tier2")).ShouldBeProblem(403, "llm_not_allowed").Detail!.ShouldContain("the hobby plan");
    }

    [Theory, OnBothEngines]
    public async Task A_plan_that_the_catalogue_no_longer_has_counts_as_the_one_without_payment(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: OwnCatalogue.Settings);
        var account = await own.SignUpAsync();

        await own.Store.ExecuteSqlAsync("update profiles set plan = 'gold-2025'");

        (await account.Key.GetAsync("/me"))["plan"].GetString().ShouldBe("hobby");
        (await account.ReserveAsync(quantity: 10)).Status.ShouldBe(201);
        (await account.ReserveAsync()).Status.ShouldBe(402);
    }

    [Theory, OnBothEngines]
    public async Task A_tier_that_a_plan_has_not_is_refused_and_named(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: OwnCatalogue.Settings);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'team'");

        (await account.ReserveAsync(tier: "tier2")).Status.ShouldBe(201);
        (await account.ReserveAsync(tier: "tier3")).ShouldBeProblem(403, "llm_not_allowed").Detail!
            .ShouldStartWith("tier3 is not part of the team plan.");
    }

    [Theory]
    [InlineData("PyResolve:Plans:Gold:Order", "1", "lower-case letters")]
    [InlineData("PyResolve:Plans:gold:MigrationsLimit", "5", "PyResolve:Plans:gold:Order is not set")]
    [InlineData("PyResolve:Plans:gold:Order", "9", "PyResolve:Plans:gold:MigrationsLimit is not set")]
    [InlineData("PyResolve:Plans:team:Order", "3", "Give each plan a number of its own")]
    [InlineData("PyResolve:Plans:team:Order", "0", "the plan without payment. Make that the smallest")]
    [InlineData("PyResolve:Plans:team:WithoutPayment", "true", "Leave WithoutPayment=true at one")]
    [InlineData("PyResolve:Plans:hobby:WithoutPayment", "false", "Set PyResolve:Plans:<plan>:WithoutPayment=true")]
    [InlineData("PyResolve:Plans:free:Order", "0", "only that may have this name")]
    [InlineData("PyResolve:Plans:hobby:Prices:month:Amount", "100", "Remove the price")]
    [InlineData("PyResolve:Plans:team:Prices:week:Amount", "100", "by the month or by the year")]
    [InlineData("PyResolve:Plans:team:Prices:year:Amount", "free", "PyResolve:Plans:team:Prices:year:Amount is 'free'")]
    [InlineData("PyResolve:Plans:team:Prices:year:Currency", "EUR", "three lower-case letters")]
    [InlineData("PyResolve:Plans:team:Price:Amount", "100", "Leave one of them")]
    [InlineData("PyResolve:Plans:team:Tiers", "tier2", "it is tier1, or tier1 and others")]
    [InlineData("PyResolve:Plans:team:LlmAllowed", "true", "unset LlmAllowed")]
    [InlineData("PyResolve:Plans:team:PerSeat", "each", "PyResolve:Plans:team:PerSeat is 'each'; it must be true or false.")]
    [InlineData("PyResolve:Plans:team:Prices:month:Metered", "true", "PerSeat=true and a metered price")]
    [InlineData("PyResolve:Plans:team:MigrationsLimit", "1000000001", "it is at most 1000000000 migrations a month, or unlimited")]
    [InlineData("PyResolve:Plans:team:TrialDays", "1000", "a number from 0 to 730")]
    [InlineData("PyResolve:Plans:team_year:Order", "9", "Rename one of the plans", "PyResolve:Plans:team_year:Prices:month:Amount")]
    public void What_is_wrong_with_a_catalogue_is_said_with_what_to_do(string setting, string value, string message, string? price = null)
    {
        var settings = new Dictionary<string, string?>(OwnCatalogue.Settings) { [setting] = value };
        if (price is not null)
        {
            settings[price] = "1";
            settings["PyResolve:Plans:team_year:MigrationsLimit"] = "1";
        }

        Should.Throw<InvalidConfigurationException>(() => Read(settings)).Message.ShouldContain(message);
    }

    [Fact]
    public void A_default_plan_may_get_a_price_by_the_year()
    {
        var pro = Read(new Dictionary<string, string?> { ["PyResolve:Plans:pro:Prices:year:Amount"] = "19000" })["pro"];

        var year = pro.FindPrice("year")!;
        (pro.Price!.Amount, year.Amount, year.Variable).ShouldBe((1900, 19000, "STRIPE_PRICE_PRO_YEAR"));
    }

    private static PlanCatalog Read(IEnumerable<KeyValuePair<string, string?>>? settings = null) =>
        new(new ConfigurationBuilder().AddInMemoryCollection(settings ?? []).Build());
}
