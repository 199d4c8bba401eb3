using System.Net;
using PyResolve.StripeSimulator.Objects;
using Stripe;

namespace PyResolve.StripeSimulator.Tests.Lifecycle;

/// <summary>Changes of subscriptions by people and programs.</summary>
public sealed class ChangeTests : IAsyncLifetime
{
    private Stage _stage = null!;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task An_upgrade_in_the_middle_of_a_month_bills_the_difference_for_the_rest()
    {
        var before = await SubscribeAsync(CardBehaviour.Works);
        _stage.Simulation.Advance(TimeSpan.FromDays(15));

        var after = (await UpdateAsync(before, Upgrade(before, "allow_incomplete") + "&expand[]=latest_invoice")).Ok();

        after.At("items.data.0.price.id").GetString().ShouldBe(_stage.Unlimited);
        after.At("items.data.0.current_period_end").GetInt64().ShouldBe(before.At("items.data.0.current_period_end").GetInt64());
        after.At("latest_invoice.total").GetInt64().ShouldBe(4000);
        after.At("latest_invoice.status").GetString().ShouldBe("paid");
    }

    [Fact]
    public async Task An_item_without_an_id_is_added()
    {
        var before = await SubscribeAsync(CardBehaviour.Works);

        var after = (await UpdateAsync(before, $"items[0][price]={_stage.Unlimited}")).Ok();

        after.At("items.data").GetArrayLength().ShouldBe(2);
    }

    [Theory]
    [InlineData("allow_incomplete", "past_due", true, false)]
    [InlineData("pending_if_incomplete", "active", false, true)]
    public async Task An_unpaid_upgrade_follows_its_payment_behavior(string behavior, string status, bool isUpgraded, bool isPending)
    {
        var before = await SubscribeAsync(CardBehaviour.Works);
        _stage.Simulation.ReplaceCard(before["customer"].GetString()!, CardBehaviour.Declined);

        var after = (await UpdateAsync(before, Upgrade(before, behavior))).Ok();

        after["status"].GetString().ShouldBe(status);
        after.At("items.data.0.price.id").GetString().ShouldBe(isUpgraded ? _stage.Unlimited : _stage.Pro);
        (after["pending_update"].ValueKind != System.Text.Json.JsonValueKind.Null).ShouldBe(isPending);
    }

    [Fact]
    public async Task An_unpaid_upgrade_with_error_if_incomplete_changes_nothing()
    {
        var before = await SubscribeAsync(CardBehaviour.Works);
        _stage.Simulation.ReplaceCard(before["customer"].GetString()!, CardBehaviour.Declined);

        var refused = await UpdateAsync(before, Upgrade(before, "error_if_incomplete") + "&metadata[a]=b");

        (refused.Status, refused.ErrorType, refused.ErrorCode).ShouldBe((402, "card_error", "card_declined"));
        (await _stage.Api.GetAsync($"/v1/subscriptions/{before.Id}")).Json.ToString().ShouldBe(before.Json.ToString());
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task A_pending_upgrade_takes_effect_when_paid_and_expires_otherwise(bool pays, bool isUpgraded)
    {
        var before = await SubscribeAsync(CardBehaviour.Works);
        var customer = before["customer"].GetString()!;
        _stage.Simulation.ReplaceCard(customer, CardBehaviour.Declined);
        (await UpdateAsync(before, Upgrade(before, "pending_if_incomplete"))).Ok();

        if (pays)
            _stage.Simulation.ReplaceCard(customer, CardBehaviour.Works);
        _stage.Simulation.Advance(TimeSpan.FromDays(1));

        var after = (await _stage.Api.GetAsync($"/v1/subscriptions/{before.Id}")).Ok();
        after.At("items.data.0.price.id").GetString().ShouldBe(isUpgraded ? _stage.Unlimited : _stage.Pro);
        after["pending_update"].ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }

    [Fact]
    public async Task An_immediate_cancellation_ends_the_subscription_for_good()
    {
        var before = await SubscribeAsync(CardBehaviour.Works);

        var canceled = await CancelAsync();
        var again = await Should.ThrowAsync<StripeException>(CancelAsync);

        (canceled.Status, canceled.EndedAt).ShouldBe(("canceled", _stage.Simulation.Now.UtcDateTime));
        (again.HttpStatusCode, again.StripeError.Code).ShouldBe((HttpStatusCode.NotFound, "resource_missing"));

        Task<Stripe.Subscription> CancelAsync() =>
            _stage.Stripe.Subscriptions.CancelAsync(before.Id, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("cancel_at_period_end=true", "cancel_at_period_end=false")]
    [InlineData("cancel_at_period_end=true", "cancel_at=")]
    [InlineData("cancel_at=4102444800", "cancel_at=")]
    public async Task A_cancellation_is_set_and_cleared(string set, string clear)
    {
        var before = await SubscribeAsync(CardBehaviour.Works);

        var waiting = (await UpdateAsync(before, set)).Ok();
        var cleared = (await UpdateAsync(before, clear)).Ok();

        waiting["cancel_at"].ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Number);
        cleared["cancel_at"].ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        cleared["cancel_at_period_end"].GetBoolean().ShouldBeFalse();
    }

    [Theory]
    [InlineData("void", "void")]
    [InlineData("mark_uncollectible", "uncollectible")]
    [InlineData("keep_as_draft", "draft")]
    public async Task Paused_collection_leaves_the_subscription_active_and_the_invoice_unpaid(string behavior, string invoice)
    {
        var before = await SubscribeAsync(CardBehaviour.Works);
        (await UpdateAsync(before, $"pause_collection[behavior]={behavior}")).Ok();

        _stage.Simulation.Advance(TimeSpan.FromDays(31));

        var after = (await _stage.Api.GetAsync($"/v1/subscriptions/{before.Id}?expand[]=latest_invoice")).Ok();
        (after["status"].GetString(), after.At("latest_invoice.status").GetString()).ShouldBe(("active", invoice));
        (await UpdateAsync(before, "pause_collection=")).Ok()["pause_collection"].ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }

    [Fact]
    public async Task A_deleted_customer_answers_as_deleted_and_has_no_subscription_left()
    {
        var before = await SubscribeAsync(CardBehaviour.Works);
        var customer = before["customer"].GetString()!;

        _stage.Simulation.DeleteCustomer(customer);

        var deleted = (await _stage.Api.GetAsync($"/v1/customers/{customer}")).Ok();
        deleted["deleted"].GetBoolean().ShouldBeTrue();
        deleted.Json.EnumerateObject().Select(static member => member.Name).ShouldBe(["id", "object", "deleted"]);
        (await _stage.Api.GetAsync($"/v1/subscriptions/{before.Id}")).Ok()["status"].GetString().ShouldBe("canceled");
        (await _stage.Api.PostAsync("/v1/checkout/sessions", _stage.CheckoutForm(customer))).ErrorCode.ShouldBe("resource_missing");
    }

    [Theory]
    [InlineData("incomplete")]
    [InlineData("trialing")]
    [InlineData("active")]
    [InlineData("past_due")]
    [InlineData("unpaid")]
    [InlineData("paused")]
    [InlineData("canceled")]
    [InlineData("incomplete_expired")]
    public async Task Any_status_can_be_set_and_stays_until_time_changes_it(string status)
    {
        var before = await SubscribeAsync(CardBehaviour.Works);
        _stage.Simulation.Advance(TimeSpan.FromDays(40));

        _stage.Simulation.Subscription(before.Id).Set(new SubscriptionEdit { Status = status, Prices = [_stage.Unlimited, _stage.Pro] });

        var after = (await _stage.Api.GetAsync($"/v1/subscriptions/{before.Id}")).Ok();
        after["status"].GetString().ShouldBe(status);
        after.At("items.data.0.price.id").GetString().ShouldBe(_stage.Unlimited);
        var type = (await _stage.Api.GetAsync("/v1/events?limit=1")).Ok().At("data.0.type").GetString();
        type.ShouldBe(status == "canceled" ? "customer.subscription.deleted" : "customer.subscription.updated");
        _stage.Simulation.Advance(TimeSpan.FromDays(400));
        (await _stage.Api.GetAsync($"/v1/subscriptions/{before.Id}")).Ok();
    }

    [Fact]
    public async Task A_change_without_events_emits_no_event()
    {
        var before = await SubscribeAsync(CardBehaviour.Works);
        var events = (await _stage.Api.GetAsync("/v1/events?limit=100")).Ok().Data.Count;

        _stage.Simulation.WithoutEvents(() => _stage.Simulation.Subscription(before.Id).Set(new SubscriptionEdit { Status = "unpaid" }));

        (await _stage.Api.GetAsync($"/v1/subscriptions/{before.Id}")).Ok()["status"].GetString().ShouldBe("unpaid");
        (await _stage.Api.GetAsync("/v1/events?limit=100")).Ok().Data.Count.ShouldBe(events);
    }

    [Fact]
    public async Task A_credit_that_exceeds_an_invoice_is_carried_over_to_the_next()
    {
        var before = await SubscribeAsync(CardBehaviour.Works);
        var customer = before["customer"].GetString()!;
        var upgraded = (await UpdateAsync(before, Upgrade(before, "allow_incomplete"))).Ok();
        (await UpdateAsync(upgraded, $"items[0][id]={ItemOf(before)}&items[0][price]={_stage.Pro}&proration_behavior=always_invoice")).Ok();

        for (var month = 0; month < 6; month++)
            _stage.Simulation.Advance(TimeSpan.FromDays(31));

        // 1900 and 8000 were paid at once, and 8000 came back: four months of 1900, and 400 of the fifth.
        var invoices = (await _stage.Api.GetAsync($"/v1/invoices?customer={customer}")).Ok().Data;
        invoices.Reverse().Select(static invoice => invoice.GetProperty("amount_due").GetInt64())
            .ShouldBe([1900, 8000, 0, 0, 0, 0, 1500, 1900]);
        invoices.Sum(static invoice => invoice.GetProperty("amount_paid").GetInt64()).ShouldBe(1900 * 7);
        (await _stage.Api.GetAsync($"/v1/customers/{customer}")).Ok()["balance"].GetInt64().ShouldBe(0);
    }

    private async Task<StripeAnswer> SubscribeAsync(CardBehaviour card)
    {
        var id = _stage.Simulation.Subscribe(_stage.Simulation.AddCustomer(card: card), _stage.Pro);
        return (await _stage.Api.GetAsync($"/v1/subscriptions/{id}")).Ok();
    }

    private string Upgrade(StripeAnswer before, string behavior) =>
        $"items[0][id]={ItemOf(before)}&items[0][price]={_stage.Unlimited}&proration_behavior=always_invoice&payment_behavior={behavior}";

    private static string ItemOf(StripeAnswer subscription) => subscription.At("items.data.0.id").GetString()!;

    private Task<StripeAnswer> UpdateAsync(StripeAnswer subscription, string form) =>
        _stage.Api.PostAsync($"/v1/subscriptions/{subscription.Id}", form);
}
