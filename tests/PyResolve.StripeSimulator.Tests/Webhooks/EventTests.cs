using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Tests.Webhooks;

public sealed class EventTests : IAsyncLifetime
{
    private Stage _stage = null!;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task An_update_has_the_previous_values_and_the_request_that_caused_it()
    {
        var customer = _stage.Simulation.AddCustomer("ada@example.com");

        var request = (await _stage.Api.PostAsync($"/v1/customers/{customer}", "email=grace@example.com", "key-1")).Ok();

        var stripeEvent = (await _stage.Api.GetAsync("/v1/events?limit=1")).Ok();
        stripeEvent.At("data.0.type").GetString().ShouldBe("customer.updated");
        stripeEvent.At("data.0.data.object.email").GetString().ShouldBe("grace@example.com");
        var previous = stripeEvent.At("data.0.data.previous_attributes").EnumerateObject().ShouldHaveSingleItem();
        (previous.Name, previous.Value.GetString()).ShouldBe(("email", "ada@example.com"));
        stripeEvent.At("data.0.request.id").GetString().ShouldBe(request.Header("Request-Id"));
        stripeEvent.At("data.0.request.idempotency_key").GetString().ShouldBe("key-1");
        stripeEvent.At("data.0.api_version").GetString().ShouldBe(StripeSimulatorOptions.PinnedApiVersion);
    }

    [Fact]
    public async Task A_renewal_has_the_items_with_their_old_period()
    {
        var id = _stage.Simulation.Subscribe(_stage.Simulation.AddCustomer(), _stage.Pro);
        var before = _stage.Simulation.Subscription(id).CurrentPeriodEnd.ToUnixTimeSeconds();

        _stage.Simulation.Advance(TimeSpan.FromDays(31));

        var updates = (await _stage.Api.GetAsync("/v1/events?type=customer.subscription.updated")).Ok();
        updates.Data.Select(static update => update.GetProperty("data").GetProperty("previous_attributes"))
            .ShouldContain(previous => previous.ToString().Contains($"\"current_period_end\": {before}"));
        updates.Data.ShouldAllBe(update => update.GetProperty("created").GetInt64() == before);
    }

    [Theory]
    [InlineData("type=customer.*", 2)]
    [InlineData("type=customer.created", 1)]
    [InlineData("types[]=customer.created&types[]=price.created", 3)]
    [InlineData("created[gt]=4102444800", 0)]
    public async Task Events_are_found_by_type_and_time(string query, int count)
    {
        _stage.Simulation.AddCustomer();

        (await _stage.Api.GetAsync($"/v1/events?{query}")).Ok().Data.Count.ShouldBe(count);
    }

    [Theory]
    [InlineData("type=a&types[]=b")]
    [InlineData("types[]=a", 21)]
    public async Task Type_and_types_exclude_each_other_and_types_are_limited(string query, int times = 1) =>
        (await _stage.Api.GetAsync($"/v1/events?{string.Join('&', Enumerable.Repeat(query, times))}")).Status.ShouldBe(400);

    [Fact]
    public async Task A_cursor_continues_after_the_last_event_that_was_read()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var seen = (await _stage.Stripe.Events.ListAsync(new() { Limit = 1 }, cancellationToken: cancellation)).Single().Id;
        for (var customer = 0; customer < 3; customer++)
            _stage.Simulation.AddCustomer(card: null);

        var page = await _stage.Stripe.Events.ListAsync(new() { Limit = 2, EndingBefore = seen }, cancellationToken: cancellation);
        var next = await _stage.Stripe.Events.ListAsync(
            new() { Limit = 2, EndingBefore = page.Data[0].Id }, cancellationToken: cancellation);

        (page.Data.Count, page.HasMore).ShouldBe((2, true));
        (next.Data.Count, next.HasMore).ShouldBe((1, false));
    }

    [Fact]
    public async Task Events_are_kept_for_thirty_days()
    {
        _stage.Simulation.AddCustomer();
        _stage.Simulation.Advance(TimeSpan.FromDays(31));

        (await _stage.Api.GetAsync("/v1/events")).Ok().Data.ShouldBeEmpty();
    }
}
