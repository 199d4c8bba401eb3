using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Tests.Lifecycle;

/// <summary>Changes of subscriptions over time.</summary>
public sealed class RenewalTests : IAsyncLifetime
{
    private static readonly TimeSpan Month = TimeSpan.FromDays(31);

    private Stage _stage = null!;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_paid_renewal_starts_the_next_month()
    {
        var (id, subscription) = Subscribe(CardBehaviour.Works);
        var end = subscription.CurrentPeriodEnd;

        _stage.Simulation.Advance(Month);

        subscription.Status.ShouldBe("active");
        subscription.CurrentPeriodEnd.ShouldBe(end.AddMonths(1));
        (await InvoicesAsync(id)).ShouldBe(["paid", "paid"]);
        (await TypesAsync(3)).ShouldBe(["customer.subscription.updated", "invoice.payment_succeeded", "invoice.paid"]);
    }

    [Fact]
    public async Task Moving_the_clock_by_a_year_renews_month_by_month()
    {
        var (id, subscription) = Subscribe(CardBehaviour.Works);
        var start = _stage.Simulation.Now;

        _stage.Simulation.Advance(start.AddYears(1).AddHours(1) - start);

        subscription.CurrentPeriodEnd.ShouldBe(start.AddMonths(13));
        (await InvoicesAsync(id)).Count.ShouldBe(13);
    }

    [Fact]
    public void A_payment_that_fails_is_retried_and_then_given_up()
    {
        var (_, subscription) = Subscribe(CardBehaviour.FailsOnRenewal);

        _stage.Simulation.Advance(Month);
        var first = subscription.Status;
        _stage.Simulation.Advance(TimeSpan.FromDays(13));
        var stillRetried = subscription.Status;
        _stage.Simulation.Advance(TimeSpan.FromDays(2));

        (first, stillRetried, subscription.Status).ShouldBe(("past_due", "past_due", "canceled"));
    }

    [Theory]
    [InlineData(AfterFailedRetries.MarkUnpaid, "unpaid")]
    [InlineData(AfterFailedRetries.LeavePastDue, "past_due")]
    public async Task The_result_of_the_last_retry_is_a_setting(AfterFailedRetries setting, string status)
    {
        await using var stage = await Stage.SetAsync(options => options with { AfterFailedRetries = setting });
        var customer = stage.Simulation.AddCustomer(card: CardBehaviour.FailsOnRenewal);
        var subscription = stage.Simulation.Subscription(stage.Simulation.Subscribe(customer, stage.Pro));

        stage.Simulation.Advance(Month + TimeSpan.FromDays(16));

        subscription.Status.ShouldBe(status);
    }

    [Fact]
    public void A_new_card_pays_open_invoices()
    {
        var customer = _stage.Simulation.AddCustomer(card: CardBehaviour.FailsOnRenewal);
        var subscription = _stage.Simulation.Subscription(_stage.Simulation.Subscribe(customer, _stage.Pro));
        _stage.Simulation.Advance(Month);

        _stage.Simulation.ReplaceCard(customer, CardBehaviour.Works);

        subscription.Status.ShouldBe("active");
        _stage.Simulation.Advance(Month);
        subscription.Status.ShouldBe("active");
    }

    [Fact]
    public async Task A_payment_fails_and_recovers_on_command()
    {
        var (id, subscription) = Subscribe(CardBehaviour.Works);

        subscription.FailPayment();
        var failed = subscription.Status;
        subscription.RecoverPayment();

        (failed, subscription.Status).ShouldBe(("past_due", "active"));
        (await InvoicesAsync(id)).ShouldBe(["paid", "paid"]);
    }

    [Theory]
    [InlineData(CardBehaviour.Works, "active")]
    [InlineData(CardBehaviour.FailsOnRenewal, "past_due")]
    public async Task A_trial_is_announced_and_ends_with_a_payment(CardBehaviour card, string status)
    {
        var subscription = _stage.Simulation.Subscription(
            _stage.Simulation.Subscribe(_stage.Simulation.AddCustomer(card: card), _stage.Pro, trialDays: 14));

        _stage.Simulation.Advance(TimeSpan.FromDays(12));
        var during = subscription.Status;
        var announced = await CountAsync("customer.subscription.trial_will_end");
        _stage.Simulation.Advance(TimeSpan.FromDays(3));

        (during, announced, subscription.Status).ShouldBe(("trialing", 1, status));
    }

    [Theory]
    [InlineData("cancel", "canceled")]
    [InlineData("pause", "paused")]
    [InlineData("create_invoice", "past_due")]
    public async Task A_trial_without_a_card_ends_as_configured(string behavior, string status)
    {
        var customer = _stage.Simulation.AddCustomer(card: null);
        var created = (await _stage.Api.PostAsync(
            "/v1/subscriptions",
            $"customer={customer}&items[0][price]={_stage.Pro}&trial_period_days=7"
            + $"&trial_settings[end_behavior][missing_payment_method]={behavior}")).Ok();

        _stage.Simulation.Advance(TimeSpan.FromDays(8));

        _stage.Simulation.Subscription(created.Id).Status.ShouldBe(status);
    }

    [Fact]
    public void A_subscription_without_a_first_payment_expires_within_a_day()
    {
        var (_, subscription) = Subscribe(CardBehaviour.Declined);
        var at = subscription.Status;

        _stage.Simulation.Advance(TimeSpan.FromHours(24));

        (at, subscription.Status).ShouldBe(("incomplete", "incomplete_expired"));
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task A_cancellation_waits_for_the_end_of_the_period_and_the_portal_sets_only_the_time(bool inPortal, bool boolean)
    {
        var (id, subscription) = Subscribe(CardBehaviour.Works);

        subscription.CancelAtPeriodEnd(inPortal);
        var waiting = (await _stage.Api.GetAsync($"/v1/subscriptions/{id}")).Ok();
        _stage.Simulation.Advance(Month);

        waiting["status"].GetString().ShouldBe("active");
        waiting["cancel_at_period_end"].GetBoolean().ShouldBe(boolean);
        waiting["cancel_at"].GetInt64().ShouldBe(waiting.At("items.data.0.current_period_end").GetInt64());
        subscription.Status.ShouldBe("canceled");
        (await TypesAsync(1)).ShouldBe(["customer.subscription.deleted"]);
    }

    [Fact]
    public void An_undone_cancellation_does_not_happen()
    {
        var (_, subscription) = Subscribe(CardBehaviour.Works);
        subscription.CancelAtPeriodEnd(inPortal: true);

        subscription.Resume();
        _stage.Simulation.Advance(Month);

        subscription.Status.ShouldBe("active");
    }

    [Fact]
    public async Task Real_time_has_the_same_effect()
    {
        var (_, subscription) = Subscribe(CardBehaviour.Works);
        var end = subscription.CurrentPeriodEnd;

        _stage.Clock.Advance(Month);

        await Eventually.IsTrueAsync(
            () => subscription.CurrentPeriodEnd == end.AddMonths(1), cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_test_clock_moves_only_its_own_customers()
    {
        var now = _stage.Simulation.Now;
        var clock = (await _stage.Api.PostAsync("/v1/test_helpers/test_clocks", $"frozen_time={now.ToUnixTimeSeconds()}")).Ok().Id;
        var on = (await _stage.Api.PostAsync("/v1/customers", $"test_clock={clock}")).Ok().Id;
        _stage.Simulation.ReplaceCard(on, CardBehaviour.FailsOnRenewal);
        var (_, elsewhere) = Subscribe(CardBehaviour.FailsOnRenewal);
        var subscription = _stage.Simulation.Subscription(_stage.Simulation.Subscribe(on, _stage.Pro));

        var later = now.AddMonths(1).AddHours(1).ToUnixTimeSeconds();
        var advancing = (await _stage.Api.PostAsync($"/v1/test_helpers/test_clocks/{clock}/advance", $"frozen_time={later}")).Ok();
        var ready = (await _stage.Api.GetAsync($"/v1/test_helpers/test_clocks/{clock}")).Ok();

        (advancing["status"].GetString(), ready["status"].GetString()).ShouldBe(("advancing", "ready"));
        (subscription.Status, elsewhere.Status).ShouldBe(("past_due", "active"));
        (await _stage.Api.GetAsync("/v1/subscriptions")).Ok().Data.Count.ShouldBe(1);
        (await _stage.Api.GetAsync($"/v1/subscriptions?test_clock={clock}")).Ok().Data.Count.ShouldBe(1);
        (await _stage.Api.GetAsync($"/v1/subscriptions?customer={on}")).Ok().Data.Count.ShouldBe(1);
    }

    private (string Id, SubscriptionControls Subscription) Subscribe(CardBehaviour card)
    {
        var id = _stage.Simulation.Subscribe(_stage.Simulation.AddCustomer(card: card), _stage.Pro);
        return (id, _stage.Simulation.Subscription(id));
    }

    private async Task<IReadOnlyList<string?>> InvoicesAsync(string subscription)
    {
        var list = (await _stage.Api.GetAsync($"/v1/invoices?subscription={subscription}&limit=100")).Ok();
        return [.. list.Data.Select(static invoice => invoice.GetProperty("status").GetString())];
    }

    /// <summary>The types of the last events, newest first.</summary>
    private async Task<IReadOnlyList<string?>> TypesAsync(int count) =>
    [
        .. (await _stage.Api.GetAsync($"/v1/events?limit={count}")).Ok().Data.Select(
            static stripeEvent => stripeEvent.GetProperty("type").GetString()),
    ];

    private async Task<int> CountAsync(string type) => (await _stage.Api.GetAsync($"/v1/events?type={type}")).Ok().Data.Count;
}
