using Microsoft.Extensions.Configuration;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Tests.Billing;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Credits;

/// <summary><c>stripe setup</c> makes a price of overage that is billed, and makes it once.</summary>
public sealed class OverageSetupTests
{
    private const string Variable = "STRIPE_PRICE_TEAM_OVERAGE";
    private const string Meter = "PyResolve:Plans:team:Overage:Meter";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_price_of_another_meter_is_replaced_once()
    {
        await using var stripe = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions(), Cancellation);
        var settings = Settings(stripe);
        var (before, _) = await SetUpAsync(settings);
        (settings[Variable], settings[Meter]) = (before.Id, "another_meter");

        var (after, told) = await SetUpAsync(settings);
        var (again, toldAgain) = await SetUpAsync(settings);

        after.Recurring!.Meter.ShouldBe(await Gateway(settings).FindMeterAsync("another_meter", Cancellation));
        after.Recurring.Meter.ShouldNotBe(before.Recurring!.Meter);
        told.ShouldContain($"# {before.Id} bills another meter than that of the catalogue: a new price replaces it.");
        again.Id.ShouldBe(after.Id);
        toldAgain.ShouldBeEmpty();
    }

    [Fact]
    public async Task Beside_a_price_of_another_amount_that_was_chosen_by_hand_one_price_is_made_and_kept()
    {
        await using var stripe = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions(), Cancellation);
        var settings = Settings(stripe);
        var gateway = Gateway(settings);
        await gateway.CreateProductAsync(new NewProduct("by_hand", "By hand", Plan: "", TaxCode: "txcd_10000000"), Cancellation);
        var meter = await gateway.CreateMeterAsync("pyresolve_team_overage", "Overage", Cancellation);
        var chosen = await gateway.CreatePriceAsync(new NewPrice("by_hand", "by_hand", 9, "eur", "month", meter), Cancellation);
        settings[Variable] = chosen.Id;

        var (made, told) = await SetUpAsync(settings);
        var (again, toldAgain) = await SetUpAsync(settings);

        told.ShouldContain($"# {chosen.Id} charges ");
        (made.UnitAmount, again.Id).ShouldBe((7, made.Id));
        toldAgain.ShouldBeEmpty();
    }

    private static Dictionary<string, string?> Settings(StripeSimulatorHost stripe) => new(OwnCatalogue.Settings)
    {
        ["PyResolve:Plans:team:Overage:UnitAmount"] = "7",
        ["STRIPE_SECRET_KEY"] = stripe.SecretKey,
        ["STRIPE_API_BASE"] = stripe.Address.ToString(),
    };

    private static StripeGateway Gateway(Dictionary<string, string?> settings) => new(Options(settings), TimeProvider.System);

    private static BillingOptions Options(Dictionary<string, string?> settings) => BillingOptions.Read(Configuration(settings));

    private static IConfiguration Configuration(Dictionary<string, string?> settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings).Build();

    /// <returns>The price of overage by the month, and what the operator was told.</returns>
    private static async Task<(StripePrice Price, string Told)> SetUpAsync(Dictionary<string, string?> settings)
    {
        await using var output = new StringWriter();
        var catalog = new StripeCatalog(Gateway(settings), new PlanCatalog(Configuration(settings)), Options(settings));
        var made = await catalog.EnsureOtherPricesAsync(output, Cancellation);
        return (made.Single(static price => price.Price.Variable == Variable).Made, output.ToString());
    }
}
