using System.Reflection;
using Microsoft.Extensions.Configuration;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Whatever goes into the customer portal is brought up to date by the next <c>stripe setup</c>, and nothing else is.</summary>
public sealed class PortalContentsTests
{
    private static readonly PortalProduct Team = new("prod_team", ["price_1", "price_2"], HasSeats: true);

    private static readonly PortalContents Contents =
        new("Tidyline", "https://api.example.com/billing", ChangesDetails: false, [Team, new("prod_scale", ["price_3"], HasSeats: false)]);

    /// <summary>By the value that they change.</summary>
    private static readonly Dictionary<string, PortalContents> Changes = new(StringComparer.Ordinal)
    {
        [nameof(PortalContents.Headline)] = Contents with { Headline = "Tidyline 2" },
        [nameof(PortalContents.ReturnUrl)] = Contents with { ReturnUrl = "https://api.example.com/back" },
        [nameof(PortalContents.ChangesDetails)] = Contents with { ChangesDetails = true },
        [nameof(PortalContents.Products)] = Contents with { Products = [.. Contents.Products.Reverse()] },
        [nameof(PortalProduct.Id)] = With(Team with { Id = "prod_teams" }),
        [nameof(PortalProduct.Prices)] = With(Team with { Prices = ["price_1"] }),
        [nameof(PortalProduct.HasSeats)] = With(Team with { HasSeats = false }),
    };

    public static TheoryData<string> Values { get; } = [.. Fields(typeof(PortalContents)), .. Fields(typeof(PortalProduct))];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Values))]
    public void A_change_of_any_value_changes_the_mark(string value) =>
        Changes[value].Mark.ShouldNotBe(Contents.Mark);

    [Fact]
    public void No_value_passes_for_another() =>
        (Contents with { Headline = "Tidyline\nreturn_url=https%3A%2F%2Fx" }).Mark
            .ShouldNotBe((Contents with { Headline = "Tidyline", ReturnUrl = "https://x" }).Mark);

    public static TheoryData<string, string> Settings { get; } = new()
    {
        { "PyResolve:Product:Name", "Tidyline 2" },
        { "PyResolve:Plans:team:PerSeat", "false" },
        { "PyResolve:Plans:scale:PerSeat", "true" },
        { "PyResolve:Plans:scale:Prices:month:Amount", "9800" },
        { "PyResolve:Stripe:TaxIds", "true" },
    };

    [Theory, MemberData(nameof(Settings))]
    public async Task A_changed_setting_brings_the_portal_up_to_date_once(string setting, string value)
    {
        await using var stripe = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions(), Cancellation);
        var settings = new Dictionary<string, string?>(OwnCatalogue.Settings) { ["PyResolve:Plans:scale:MigrationsLimit"] = "500" };
        var (first, _) = await SetUpAsync(stripe, settings);
        settings[setting] = value;

        var (second, said) = await SetUpAsync(stripe, settings);
        var (third, silence) = await SetUpAsync(stripe, settings);

        said.ShouldContain($"# {first.Id} was made by an older version, or for another catalogue: it is brought up to date.");
        silence.ShouldNotContain("brought up to date");
        (second.Id, third.Id).ShouldBe((first.Id, first.Id));
        second.Metadata![PortalContents.MarkKey].ShouldNotBe(first.Metadata![PortalContents.MarkKey]);
    }

    /// <summary>A portal has at most ten products.</summary>
    [Fact]
    public async Task As_many_prices_as_a_portal_takes_have_a_mark_that_Stripe_takes()
    {
        await using var stripe = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions(), Cancellation);
        var settings = new Dictionary<string, string?>();
        foreach (var plan in Enumerable.Range(1, PortalContents.MaxProducts))
        {
            settings[$"PyResolve:Plans:plan{plan}:Order"] = $"{plan + 1}";
            settings[$"PyResolve:Plans:plan{plan}:MigrationsLimit"] = $"{plan * 100}";
            foreach (var (interval, amount) in ((string, int)[])[("month", 100), ("year", 1000)])
            {
                settings[$"PyResolve:Plans:plan{plan}:Prices:{interval}:Amount"] = $"{plan * amount}";
                settings[$"PyResolve:Plans:plan{plan}:Prices:{interval}:Currency"] = "eur";
            }
        }

        settings["PyResolve:Plans:none:Order"] = "1";
        settings["PyResolve:Plans:none:WithoutPayment"] = "true";
        settings["PyResolve:Plans:none:MigrationsLimit"] = "1";

        var (made, _) = await SetUpAsync(stripe, settings);
        var (again, said) = await SetUpAsync(stripe, settings);

        made.Metadata![PortalContents.MarkKey].Length.ShouldBeLessThanOrEqualTo(500);
        (again.Id, said).ShouldBe((made.Id, ""));
    }

    private static string[] Fields(Type type) => [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(static property => property.CanWrite)
        .Select(static property => property.Name)];

    private static PortalContents With(PortalProduct product) => Contents with { Products = [product, Contents.Products[1]] };

    /// <summary>Prices and portal as <c>stripe setup</c> makes them, and what it says.</summary>
    private static async Task<(StripePortalConfiguration Portal, string Said)> SetUpAsync(
        StripeSimulatorHost stripe, IReadOnlyDictionary<string, string?> settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(settings)
        {
            ["STRIPE_SECRET_KEY"] = stripe.SecretKey,
            ["STRIPE_API_BASE"] = stripe.Address.ToString(),
            ["PyResolve:Stripe:RequestsPerSecond"] = "10000",
        }).Build();
        var options = BillingOptions.Read(configuration);
        var catalog = new StripeCatalog(new StripeGateway(options, TimeProvider.System), new PlanCatalog(configuration), options);
        await using var output = new StringWriter();
        var prices = await catalog.EnsurePricesAsync(output, Cancellation);
        var portal = await catalog.EnsurePortalAsync(
            prices, "https://api.example.com/billing", output, Cancellation);
        return (portal, output.ToString());
    }
}
