using System.Net;

namespace PyResolve.StripeSimulator.Tests.Lifecycle;

/// <summary>What Stripe's portal allows, and what it does.</summary>
public sealed class PortalTests : IAsyncLifetime
{
    private Stage _stage = null!;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Theory]
    [InlineData("two prices")]
    [InlineData("a metered price")]
    public async Task A_subscription_of_several_prices_or_by_use_is_not_changed_in_the_portal(string what)
    {
        var customer = _stage.Simulation.AddCustomer();
        var metered = await AddMeteredPriceAsync("month");
        var items = what == "two prices" ? $"items[0][price]={_stage.Pro}&items[1][price]={metered}" : $"items[0][price]={metered}";
        var subscription = (await _stage.Api.PostAsync("/v1/subscriptions", $"customer={customer}&{items}")).Ok();
        using var person = new PortalPerson(_stage, customer);

        (await person.ReadAsync()).ShouldNotContain("Switch plan");
        (await person.ReadAsync("plan")).ShouldContain("Not allowed here");
        var flow = $"&flow_data[type]=subscription_update&flow_data[subscription_update][subscription]={subscription.Id}";
        (await person.ReadAsync(flow: flow)).ShouldContain("Not allowed here");
        (await person.SendAsync("plan", ("price", _stage.Unlimited))).ShouldBe(HttpStatusCode.NotFound);
        (await person.SendAsync("cancel")).ShouldBe(HttpStatusCode.SeeOther);
    }

    [Fact]
    public async Task A_metered_price_is_not_offered()
    {
        var customer = _stage.Simulation.AddCustomer();
        _stage.Simulation.Subscribe(customer, _stage.Pro);
        var metered = await AddMeteredPriceAsync("month");
        var product = (await _stage.Api.GetAsync($"/v1/prices/{metered}")).Ok()["product"].GetString();
        using var person = new PortalPerson(
            _stage,
            customer,
            $"features[subscription_update][products][2][product]={product}",
            $"features[subscription_update][products][2][prices][0]={metered}");

        var page = await person.ReadAsync("plan");

        page.ShouldContain(_stage.Unlimited);
        page.ShouldNotContain(metered);
    }

    [Theory]
    [InlineData("flexible", "The simulator does not have prices of different intervals in one subscription. Stripe may.")]
    [InlineData("classic", "Currency and interval fields must match across all plans on this subscription.")]
    public async Task Prices_of_different_intervals_are_refused(string mode, string message)
    {
        var customer = _stage.Simulation.AddCustomer();
        var year = _stage.Simulation.AddPrice("PyResolve Pro", 19_000, interval: "year");
        var metered = await AddMeteredPriceAsync("month");
        var form = $"customer={customer}&billing_mode[type]={mode}&items[1][price]={metered}&items[0][price]=";
        var monthly = (await _stage.Api.PostAsync("/v1/subscriptions", form + _stage.Pro)).Ok();
        var item = monthly.At("items.data.0.id").GetString();

        var created = await _stage.Api.PostAsync("/v1/subscriptions", form + year);
        var changed = await _stage.Api.PostAsync($"/v1/subscriptions/{monthly.Id}", $"items[0][id]={item}&items[0][price]={year}");
        var bought = await _stage.Api.PostAsync(
            "/v1/checkout/sessions",
            _stage.CheckoutForm(customer) + $"&line_items[1][price]={year}&line_items[1][quantity]=1"
            + $"&subscription_data[billing_mode][type]={mode}");

        foreach (var (refused, param) in new[] { (created, "items"), (changed, "items"), (bought, "line_items") })
        {
            (refused.Status, refused.ErrorParam).ShouldBe((400, param));
            refused.At("error.message").GetString()!.ShouldStartWith(message);
        }

        Should.Throw<ArgumentException>(() => _stage.Simulation.Subscription(monthly.Id).SwitchTo(year));
    }

    [Theory]
    [InlineData("", "active", 9900)]
    [InlineData("end_trial", "active", 9900)]
    [InlineData("continue_trial", "trialing", 0)]
    public async Task A_change_ends_a_trial_unless_the_configuration_continues_it(string behavior, string status, long paid)
    {
        var customer = _stage.Simulation.AddCustomer();
        var subscription = _stage.Simulation.Subscribe(customer, _stage.Pro, trialDays: 14);
        var trialEnds = _stage.Simulation.Now.AddDays(14);
        _stage.Simulation.Advance(TimeSpan.FromDays(4));
        using var person = new PortalPerson(
            _stage, customer, behavior.Length == 0 ? [] : [$"features[subscription_update][trial_update_behavior]={behavior}"]);

        (await person.SendAsync("plan", ("price", _stage.Unlimited))).ShouldBe(HttpStatusCode.SeeOther);

        var after = (await _stage.Api.GetAsync($"/v1/subscriptions/{subscription}")).Ok();
        after["status"].GetString().ShouldBe(status);
        after.At("items.data.0.price.id").GetString().ShouldBe(_stage.Unlimited);
        var periodEnds = status == "active" ? _stage.Simulation.Now.AddMonths(1) : trialEnds;
        after.At("items.data.0.current_period_end").GetInt64().ShouldBe(periodEnds.ToUnixTimeSeconds());
        (await PaidAsync(customer)).ShouldBe(paid);
        _stage.Simulation.Advance(periodEnds.AddHours(-1) - _stage.Simulation.Now);
        (await PaidAsync(customer)).ShouldBe(paid);
    }

    [Fact]
    public async Task A_change_that_cannot_be_paid_leaves_the_trial()
    {
        var customer = _stage.Simulation.AddCustomer(card: null);
        var subscription = _stage.Simulation.Subscribe(customer, _stage.Pro, trialDays: 14);
        using var person = new PortalPerson(_stage, customer);

        (await person.SendAsync("plan", ("price", _stage.Unlimited))).ShouldBe(HttpStatusCode.PaymentRequired);

        var after = (await _stage.Api.GetAsync($"/v1/subscriptions/{subscription}")).Ok();
        (after["status"].GetString(), after.At("items.data.0.price.id").GetString()).ShouldBe(("trialing", _stage.Pro));
    }

    [Fact]
    public async Task A_trial_that_is_ended_early_begins_a_whole_period()
    {
        var customer = _stage.Simulation.AddCustomer();
        var subscription = _stage.Simulation.Subscription(_stage.Simulation.Subscribe(customer, _stage.Pro, trialDays: 14));
        _stage.Simulation.Advance(TimeSpan.FromDays(4));

        subscription.EndTrial();

        subscription.CurrentPeriodEnd.ShouldBe(_stage.Simulation.Now.AddMonths(1));
        _stage.Simulation.Advance(TimeSpan.FromDays(20));
        (await PaidAsync(customer)).ShouldBe(1900);
    }

    [Fact]
    public async Task A_configuration_has_at_most_ten_products()
    {
        var products = new List<string>();
        for (var index = 0; index < 11; index++)
        {
            var price = _stage.Simulation.AddPrice($"Plan {index}", 100);
            var product = (await _stage.Api.GetAsync($"/v1/prices/{price}")).Ok()["product"].GetString();
            var prefix = $"features[subscription_update][products][{index}]";
            products.Add($"{prefix}[product]={product}&{prefix}[prices][0]={price}");
        }

        var refused = await CreateAsync(products);

        (refused.Status, refused.ErrorParam).ShouldBe((400, "features[subscription_update][products]"));
        refused.At("error.message").GetString().ShouldBe("Array products exceeded maximum 10 allowed elements.");
        (await CreateAsync(products.Take(10))).Ok();

        Task<StripeAnswer> CreateAsync(IEnumerable<string> chosen) => _stage.Api.PostAsync(
            "/v1/billing_portal/configurations",
            "features[subscription_update][enabled]=true&features[subscription_update][default_allowed_updates][0]=price&"
            + string.Join('&', chosen));
    }

    [Fact]
    public async Task A_flow_that_confirms_a_change_begins_with_its_plan_and_its_seats()
    {
        var customer = _stage.Simulation.AddCustomer();
        var subscription = _stage.Simulation.Subscribe(customer, _stage.Pro);
        var item = (await _stage.Api.GetAsync($"/v1/subscriptions/{subscription}")).Ok().At("items.data.0.id").GetString();
        const string Confirm = "flow_data[subscription_update_confirm]";
        var flow = $"&flow_data[type]=subscription_update_confirm&{Confirm}[subscription]={subscription}&{Confirm}[items][0][id]={item}"
            + $"&{Confirm}[items][0][price]={_stage.Unlimited}&{Confirm}[items][0][quantity]=7";
        using var person = new PortalPerson(_stage, customer);

        var page = await person.ReadAsync(flow: flow);

        page.ShouldContain($"value=\"{_stage.Unlimited}\" required checked");
        page.ShouldContain("name=\"quantity\" type=\"number\" min=\"1\" value=\"7\"");
    }

    [Fact]
    public async Task The_reason_of_a_cancellation_is_asked_and_kept()
    {
        var customer = _stage.Simulation.AddCustomer();
        var subscription = _stage.Simulation.Subscribe(customer, _stage.Pro);
        using var person = new PortalPerson(
            _stage,
            customer,
            "features[subscription_cancel][cancellation_reason][enabled]=true",
            "features[subscription_cancel][cancellation_reason][options][0]=too_expensive");
        (await person.ReadAsync("cancel")).ShouldContain("too expensive");

        await person.SendAsync("cancel", ("feedback", "too_expensive"));

        (await _stage.Api.GetAsync($"/v1/subscriptions/{subscription}")).Ok().At("cancellation_details.feedback").GetString()
            .ShouldBe("too_expensive");
    }

    [Fact]
    public async Task A_cancellation_at_once_may_credit_the_rest_of_the_period()
    {
        var customer = _stage.Simulation.AddCustomer();
        _stage.Simulation.Subscribe(customer, _stage.Pro);
        _stage.Simulation.Advance(TimeSpan.FromDays(15));
        const string Prorated = "features[subscription_cancel][proration_behavior]=create_prorations";
        using var person = new PortalPerson(_stage, customer, "features[subscription_cancel][mode]=immediately", Prorated);

        await person.SendAsync("cancel");

        (await _stage.Api.GetAsync($"/v1/invoiceitems?customer={customer}")).Ok().At("data.0.amount").GetInt64().ShouldBe(-950);
        var refused = await _stage.Api.PostAsync(
            "/v1/billing_portal/configurations", $"features[subscription_cancel][enabled]=true&{Prorated}");
        refused.ErrorParam.ShouldBe("features[subscription_cancel][proration_behavior]");
    }

    private async Task<long> PaidAsync(string customer) => (await _stage.Api.GetAsync($"/v1/invoices?customer={customer}")).Ok().Data
        .Sum(static invoice => invoice.GetProperty("amount_paid").GetInt64());

    private async Task<string> AddMeteredPriceAsync(string interval)
    {
        var meter = (await _stage.Api.PostAsync(
            "/v1/billing/meters", "display_name=Files&event_name=files&default_aggregation[formula]=sum")).Ok();
        return (await _stage.Api.PostAsync(
            "/v1/prices",
            "currency=usd&unit_amount=2&product_data[name]=Overage&recurring[usage_type]=metered"
            + $"&recurring[interval]={interval}&recurring[meter]={meter.Id}")).Ok().Id;
    }
}
