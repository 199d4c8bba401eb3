using Microsoft.Extensions.Configuration;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Credits;

public sealed class CreditSettingsTests
{
    [Fact]
    public void Packs_and_overage_are_read_with_their_prices()
    {
        var plans = Read(new()
        {
            ["PyResolve:Plans:pro:Credits"] = "true",
            ["PyResolve:Plans:pro:Overage:UnitAmount"] = "40",
            ["PyResolve:Plans:pro:Overage:MaxUnits"] = "500",
            ["PyResolve:Credits:small:Units"] = "100",
            ["PyResolve:Credits:small:Amount"] = "900",
            ["PyResolve:Credits:small:ValidDays"] = "365",
        });

        plans.Packs.ShouldBe([new CreditPack("small", "100 credits", 100, CreditPack.PriceOf("small", 900, "usd"), 365)]);
        plans.Packs[0].Price.Variable.ShouldBe("STRIPE_PRICE_CREDITS_SMALL");
        plans["pro"].DrawsCredits.ShouldBeTrue();
        var overage = plans["pro"].Overage!;
        (overage.Meter, overage.MaxUnits).ShouldBe(("pyresolve_pro_overage", 500));
        overage.Prices.Select(static price => $"{price.Variable} {price.LookupKey} {price}").ShouldBe(
            ["STRIPE_PRICE_PRO_OVERAGE pyresolve_pro_overage 40 usd a unit, a month"]);
        plans["free"].DrawsCredits.ShouldBeFalse();
    }

    [Fact]
    public void By_default_there_are_none()
    {
        var plans = Read([]);

        plans.HasBeyond.ShouldBeFalse();
        plans.Packs.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("PyResolve:Credits:small:Units", "0", "how many migrations")]
    [InlineData("PyResolve:Credits:small:Amount", "nine", "a number from 0")]
    [InlineData("PyResolve:Credits:A b:Units", "1", "lower-case letters")]
    [InlineData("PyResolve:Plans:pro:Credits", "false", "that no plan draws on")]
    [InlineData("PyResolve:Plans:unlimited:Credits", "true", "no limit that could be used up")]
    [InlineData("PyResolve:Plans:pro:Overage:MaxUnits", "5", "UnitAmount is not set")]
    [InlineData("PyResolve:Plans:free:Overage:UnitAmount", "5", "free has none")]
    public void What_cannot_be_is_refused_with_a_way_out(string name, string value, string message)
    {
        var settings = new Dictionary<string, string?>
        {
            ["PyResolve:Plans:pro:Credits"] = "true",
            ["PyResolve:Credits:small:Units"] = "100",
            ["PyResolve:Credits:small:Amount"] = "900",
            [name] = value,
        };

        Should.Throw<InvalidConfigurationException>(() => Read(settings)).Message.ShouldContain(message);
    }

    private static PlanCatalog Read(Dictionary<string, string?> settings) =>
        new(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
}
