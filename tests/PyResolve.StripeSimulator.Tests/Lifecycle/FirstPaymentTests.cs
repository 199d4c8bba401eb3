namespace PyResolve.StripeSimulator.Tests.Lifecycle;

/// <summary>A subscription that begins when somebody pays its first invoice, and what its end gives back.</summary>
public sealed class FirstPaymentTests : IAsyncLifetime
{
    private Stage _stage = null!;
    private string _customer = "";

    public async ValueTask InitializeAsync()
    {
        _stage = await Stage.SetAsync();
        _customer = _stage.Simulation.AddCustomer();
    }

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_subscription_waits_with_an_open_invoice_until_it_is_paid()
    {
        var created = await SubscribeAsync("payment_behavior=default_incomplete");

        created["status"].GetString().ShouldBe("incomplete");
        created.At("latest_invoice.status").GetString().ShouldBe("open");
        created.At("latest_invoice.attempt_count").GetInt32().ShouldBe(0);
        (await _stage.Api.PostAsync($"/v1/invoices/{created.At("latest_invoice.id")}/pay")).Ok()["status"].GetString().ShouldBe("paid");
        (await StatusAsync(created)).ShouldBe("active");
    }

    [Theory]
    [InlineData("pm_card_visa", 200, "active", "paid")]
    [InlineData("pm_card_visa_chargeDeclined", 402, "incomplete", "open")]
    public async Task A_confirmation_of_its_payment_intent_begins_it(string method, int answer, string status, string invoice)
    {
        var created = await SubscribeAsync("payment_behavior=default_incomplete");
        var intent = (await _stage.Api.GetAsync($"/v1/payment_intents?customer={_customer}")).Ok().At("data.0.id").GetString();

        (await _stage.Api.PostAsync($"/v1/payment_intents/{intent}/confirm", $"payment_method={method}")).Status.ShouldBe(answer);

        (await StatusAsync(created)).ShouldBe(status);
        (await _stage.Api.GetAsync($"/v1/invoices/{created.At("latest_invoice.id")}")).Ok()["status"].GetString().ShouldBe(invoice);
    }

    [Fact]
    public async Task Unpaid_it_expires_within_a_day()
    {
        var created = await SubscribeAsync("payment_behavior=default_incomplete");

        _stage.Simulation.Advance(TimeSpan.FromDays(1));

        (await StatusAsync(created)).ShouldBe("incomplete_expired");
    }

    [Fact]
    public async Task A_trial_has_nothing_to_wait_for() =>
        (await SubscribeAsync("payment_behavior=default_incomplete&trial_period_days=3"))["status"].GetString().ShouldBe("trialing");

    [Fact]
    public async Task An_upgrade_waits_for_its_payment_as_past_due()
    {
        var before = await SubscribeAsync("payment_behavior=allow_incomplete");

        var after = (await _stage.Api.PostAsync(
            $"/v1/subscriptions/{before.Id}",
            $"items[0][id]={before.At("items.data.0.id")}&items[0][price]={_stage.Unlimited}&proration_behavior=always_invoice"
            + "&payment_behavior=default_incomplete")).Ok();

        after["status"].GetString().ShouldBe("past_due");
        (await _stage.Api.PostAsync($"/v1/invoices/{after["latest_invoice"]}/pay")).Ok();
        (await StatusAsync(before)).ShouldBe("active");
    }

    [Fact]
    public async Task Pending_if_incomplete_is_for_changes_alone() =>
        (await _stage.Api.PostAsync(
            "/v1/subscriptions", $"customer={_customer}&items[0][price]={_stage.Pro}&payment_behavior=pending_if_incomplete"))
            .ErrorParam.ShouldBe("payment_behavior");

    [Theory]
    [InlineData("", 0, 0)]
    [InlineData("prorate=true", -950, 0)]
    [InlineData("prorate=true&invoice_now=true", -950, -950)]
    public async Task An_end_at_once_credits_the_rest_of_the_period_where_asked(string form, long item, long balance)
    {
        var subscription = await SubscribeAsync("payment_behavior=allow_incomplete");
        _stage.Simulation.Advance(TimeSpan.FromDays(15));

        (await _stage.Api.DeleteAsync($"/v1/subscriptions/{subscription.Id}?{form}")).Ok();

        (await _stage.Api.GetAsync($"/v1/invoiceitems?customer={_customer}")).Ok().Data
            .Sum(static credit => credit.GetProperty("amount").GetInt64()).ShouldBe(item);
        (await _stage.Api.GetAsync($"/v1/customers/{_customer}")).Ok()["balance"].GetInt64().ShouldBe(balance);
    }

    [Fact]
    public async Task A_method_that_has_paid_is_kept_for_later_where_asked()
    {
        var method = (await _stage.Api.PostAsync("/v1/payment_methods", "type=card&card[token]=tok_visa")).Ok().Id;

        var paid = (await _stage.Api.PostAsync(
            "/v1/payment_intents",
            $"amount=900&currency=usd&customer={_customer}&payment_method={method}&confirm=true&setup_future_usage=off_session")).Ok();

        paid["setup_future_usage"].GetString().ShouldBe("off_session");
        (await _stage.Api.GetAsync($"/v1/payment_methods/{method}")).Ok()["customer"].GetString().ShouldBe(_customer);
    }

    [Fact]
    public async Task A_paused_subscription_is_resumed_with_a_new_period_alone() =>
        (await _stage.Api.PostAsync("/v1/subscriptions/sub_1/resume", "billing_cycle_anchor=unchanged")).At("error.message").GetString()
            .ShouldBe("Invalid billing_cycle_anchor: the simulator has only now. Stripe may have others.");

    private async Task<StripeAnswer> SubscribeAsync(string form) => (await _stage.Api.PostAsync(
        "/v1/subscriptions", $"customer={_customer}&items[0][price]={_stage.Pro}&expand[]=latest_invoice&{form}")).Ok();

    private async Task<string?> StatusAsync(StripeAnswer subscription) =>
        (await _stage.Api.GetAsync($"/v1/subscriptions/{subscription.Id}")).Ok()["status"].GetString();
}
