
namespace PyResolve.StripeSimulator.Tests.Lifecycle;

/// <summary>A portal in which downgrades wait for the end of the period.</summary>
public sealed class ScheduleTests : IAsyncLifetime
{
    private Stage _stage = null!;
    private string _customer = "";
    private string _subscription = "";

    public async ValueTask InitializeAsync()
    {
        _stage = await Stage.SetAsync();
        _customer = _stage.Simulation.AddCustomer(card: CardBehaviour.Works);
        _subscription = _stage.Simulation.Subscribe(_customer, _stage.Unlimited);
    }

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_downgrade_waits_for_the_end_of_the_period()
    {
        await ActAsync("plan", _stage.Pro);

        var waiting = (await _stage.Api.GetAsync($"/v1/subscriptions/{_subscription}?expand[]=schedule")).Ok();
        waiting.At("items.data.0.price.id").GetString().ShouldBe(_stage.Unlimited);
        waiting.At("schedule.phases.1.items.0.price").GetString().ShouldBe(_stage.Pro);
        waiting.At("schedule.phases.1.start_date").GetInt64().ShouldBe(waiting.At("schedule.current_phase.end_date").GetInt64());
        _stage.Simulation.Advance(TimeSpan.FromDays(31));
        var after = (await _stage.Api.GetAsync($"/v1/subscriptions/{_subscription}?expand[]=latest_invoice")).Ok();
        after.At("items.data.0.price.id").GetString().ShouldBe(_stage.Pro);
        (after["schedule"].ValueKind, after.At("latest_invoice.amount_paid").GetInt64())
            .ShouldBe((System.Text.Json.JsonValueKind.Null, 1900));
    }

    [Theory]
    [InlineData("keep")]
    [InlineData("cancel")]
    public async Task A_downgrade_that_waits_is_taken_back(string action)
    {
        await ActAsync("plan", _stage.Pro);

        await ActAsync(action);

        var subscription = (await _stage.Api.GetAsync($"/v1/subscriptions/{_subscription}")).Ok();
        subscription["schedule"].ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        (await _stage.Api.GetAsync("/v1/subscription_schedules")).Ok().At("data.0.status").GetString().ShouldBe("released");
        subscription.At("items.data.0.price.id").GetString().ShouldBe(_stage.Unlimited);
    }

    [Fact]
    public async Task More_seats_are_billed_at_once_and_fewer_wait_for_the_end_of_the_period()
    {
        await ActAsync("plan", _stage.Unlimited, quantity: 3);
        (await QuantityAsync()).ShouldBe(3);
        await ActAsync("plan", _stage.Unlimited, quantity: 2);

        (await QuantityAsync()).ShouldBe(3);
        _stage.Simulation.Advance(TimeSpan.FromDays(31));
        (await QuantityAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task A_plan_without_seats_keeps_the_quantity()
    {
        await ActAsync("plan", _stage.Unlimited, quantity: 3);

        await ActAsync("plan", _stage.Pro, quantity: 1);
        _stage.Simulation.Advance(TimeSpan.FromDays(31));

        (await QuantityAsync()).ShouldBe(3);
    }

    private async Task<long> QuantityAsync() =>
        (await _stage.Api.GetAsync($"/v1/subscriptions/{_subscription}")).Ok().At("items.data.0.quantity").GetInt64();

    private async Task ActAsync(string action, string? price = null, int? quantity = null)
    {
        var configuration = (await _stage.Api.PostAsync("/v1/billing_portal/configurations", string.Join('&',
            "features[subscription_cancel][enabled]=true",
            "features[subscription_update][enabled]=true",
            "features[subscription_update][default_allowed_updates][0]=price",
            "features[subscription_update][default_allowed_updates][1]=quantity",
            "features[subscription_update][proration_behavior]=always_invoice",
            $"features[subscription_update][products][0][product]={await ProductOfAsync(_stage.Pro)}",
            $"features[subscription_update][products][0][prices][0]={_stage.Pro}",
            "features[subscription_update][products][0][adjustable_quantity][enabled]=false",
            $"features[subscription_update][products][1][product]={await ProductOfAsync(_stage.Unlimited)}",
            $"features[subscription_update][products][1][prices][0]={_stage.Unlimited}",
            "features[subscription_update][schedule_at_period_end][conditions][0][type]=decreasing_item_amount"))).Ok();
        var session = (await _stage.Api.PostAsync(
            "/v1/billing_portal/sessions", $"customer={_customer}&configuration={configuration.Id}")).Ok();
        using var person = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var form = new FormUrlEncodedContent(
            price is null ? [] : [KeyValuePair.Create("price", price), KeyValuePair.Create("quantity", $"{quantity}")]);
        using var answer = await person.PostAsync(
            new Uri($"{session["url"].GetString()}/{action}"), form, TestContext.Current.CancellationToken);
        ((int)answer.StatusCode).ShouldBe(303);
    }

    private async Task<string?> ProductOfAsync(string price) =>
        (await _stage.Api.GetAsync($"/v1/prices/{price}")).Ok()["product"].GetString();
}
