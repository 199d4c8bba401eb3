using Microsoft.Extensions.Configuration;
using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Billing;

/// <summary>An invalid setting stops the start with a message that names it, and never contains a key.</summary>
public sealed class BillingOptionsTests
{
    [Theory]
    [InlineData("STRIPE_SECRET_KEY", "sk_test_with a blank")]
    [InlineData("STRIPE_SECRET_KEY", "sk_test_with\ta_tab")]
    [InlineData("STRIPE_SECRET_KEY", "sk_test_é")]
    [InlineData("STRIPE_SECRET_KEY", "pk_test_published")]
    [InlineData("STRIPE_SECRET_KEY", "whsec_something_else")]
    [InlineData("STRIPE_API_BASE", "http://stripe.example.com")]
    [InlineData("STRIPE_API_BASE", "http://loopback:9")]
    [InlineData("STRIPE_PRICE_PRO", "price_of_both")]
    [InlineData("PyResolve:Stripe:GraceDays", "61")]
    [InlineData("PyResolve:Stripe:GraceDays", "soon")]
    [InlineData("PyResolve:Stripe:EventsMinutes", "0")]
    [InlineData("PyResolve:Stripe:DisputeEndsPlan", "sometimes")]
    [InlineData("PyResolve:Stripe:ReturnUrl", "nowhere")]
    [InlineData("PyResolve:Stripe:UnknownPriceDays", "366")]
    [InlineData("PyResolve:Stripe:AutomaticTax", "where due")]
    [InlineData("PyResolve:Stripe:ManagedPayments", "auto")]
    [InlineData("PyResolve:Stripe:Locale", "German")]
    [InlineData("PyResolve:Stripe:TaxCode", "saas")]
    public void An_invalid_setting_is_refused_with_its_name(string setting, string value)
    {
        var refusal =
            Should.Throw<InvalidConfigurationException>(() => Read((setting, value), ("STRIPE_PRICE_UNLIMITED", "price_of_both")));

        refusal.Message.ShouldContain(setting);
        if (setting == "STRIPE_SECRET_KEY")
            refusal.Message.ShouldNotContain(value);
    }

    [Theory]
    [InlineData("PyResolve:Stripe:DisputeEndsPlan")]
    [InlineData("PyResolve:Stripe:AutomaticTax")]
    [InlineData("PyResolve:Stripe:ManagedPayments")]
    public void A_switch_that_is_neither_true_nor_false_is_refused_with_its_value(string setting) =>
        Should.Throw<InvalidConfigurationException>(() => Read((setting, "often"))).Message
            .ShouldBe($"{setting} is 'often'; it must be true or false.");

    [Theory]
    [InlineData("sk_live_1", null, "live")]
    [InlineData("rk_live_1", null, "live")]
    [InlineData("sk_test_1", null, "test")]
    [InlineData("rk_test_1", null, "test")]
    [InlineData("sk_test_1", "http://127.0.0.1:12111", "local")]
    [InlineData("anything", "http://localhost:12111", "local")]
    public void The_key_and_the_address_determine_the_origin(string key, string? apiBase, string origin) =>
        Read(("STRIPE_SECRET_KEY", key), ("STRIPE_API_BASE", apiBase)).Origin.ShouldBe(origin);

    [Theory]
    [InlineData(null, false)]
    [InlineData("false", false)]
    [InlineData("True", true)]
    public void A_dispute_ends_a_plan_only_if_configured(string? value, bool ends) =>
        Read(("PyResolve:Stripe:DisputeEndsPlan", value)).DisputeEndsPlan.ShouldBe(ends);

    private static BillingOptions Read(params ReadOnlySpan<(string Name, string? Value)> settings)
    {
        var all = new Dictionary<string, string?>();
        foreach (var (name, value) in settings)
            all[name] = value;
        return BillingOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(all).Build());
    }
}
