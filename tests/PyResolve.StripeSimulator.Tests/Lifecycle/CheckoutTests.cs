namespace PyResolve.StripeSimulator.Tests.Lifecycle;

public sealed class CheckoutTests
{
    [Fact]
    public async Task Paying_starts_the_subscription_and_sends_signed_events()
    {
        await using var stage = await Stage.SetAsync();
        var (receiver, secret) = await stage.ListenAsync("customer.subscription.created", "checkout.session.completed");
        await using var listening = receiver;
        var customer = (await stage.Api.PostAsync("/v1/customers", "email=ada@example.com")).Ok().Id;
        var session = (await stage.Api.PostAsync("/v1/checkout/sessions", stage.CheckoutForm(customer))).Ok();

        var next = stage.Simulation.PayCheckout(session.Id);
        await stage.Simulation.Webhooks.WhenIdleAsync(TestContext.Current.CancellationToken);

        next.ShouldBe(new Uri($"http://localhost/ok?s={session.Id}"));
        var paid = (await stage.Api.GetAsync($"/v1/checkout/sessions/{session.Id}?expand[]=subscription")).Ok();
        paid["status"].GetString().ShouldBe("complete");
        paid["payment_status"].GetString().ShouldBe("paid");
        paid.At("subscription.status").GetString().ShouldBe("active");
        paid.At("subscription.customer").GetString().ShouldBe(customer);
        receiver.Types.ShouldBe(["customer.subscription.created", "checkout.session.completed"], ignoreOrder: true);
        receiver.Received.ShouldAllBe(received => received.IsSignedWith(secret));
    }

    [Fact]
    public async Task A_declined_card_changes_nothing()
    {
        await using var stage = await Stage.SetAsync();
        var customer = (await stage.Api.PostAsync("/v1/customers")).Ok().Id;
        var session = (await stage.Api.PostAsync("/v1/checkout/sessions", stage.CheckoutForm(customer))).Ok();

        var next = stage.Simulation.PayCheckout(session.Id, CardBehaviour.Declined);

        next.ShouldBeNull();
        (await stage.Api.GetAsync($"/v1/subscriptions?customer={customer}&status=all")).Ok().Data.ShouldBeEmpty();
        (await stage.Api.GetAsync($"/v1/checkout/sessions/{session.Id}")).Ok()["status"].GetString().ShouldBe("open");
    }

    [Fact]
    public async Task An_unpaid_session_expires_after_a_day()
    {
        await using var stage = await Stage.SetAsync();
        var session = (await stage.Api.PostAsync("/v1/checkout/sessions", stage.CheckoutForm())).Ok();

        stage.Simulation.Advance(TimeSpan.FromHours(25));

        (await stage.Api.GetAsync($"/v1/checkout/sessions/{session.Id}")).Ok()["status"].GetString().ShouldBe("expired");
        (await stage.Api.GetAsync("/v1/events?type=checkout.session.expired")).Ok().Data.Count.ShouldBe(1);
        stage.Simulation.PayCheckout(session.Id).ShouldBeNull();
    }

    [Fact]
    public async Task A_session_can_be_expired_once_and_not_paid_afterwards()
    {
        await using var stage = await Stage.SetAsync();
        var session = (await stage.Api.PostAsync("/v1/checkout/sessions", stage.CheckoutForm())).Ok();

        var expired = (await stage.Api.PostAsync($"/v1/checkout/sessions/{session.Id}/expire")).Ok();
        var again = await stage.Api.PostAsync($"/v1/checkout/sessions/{session.Id}/expire");

        expired["status"].GetString().ShouldBe("expired");
        again.Status.ShouldBe(400);
        stage.Simulation.PayCheckout(session.Id).ShouldBeNull();
    }

    [Fact]
    public async Task A_trial_starts_without_a_payment()
    {
        await using var stage = await Stage.SetAsync();
        var session = (await stage.Api.PostAsync(
            "/v1/checkout/sessions", stage.CheckoutForm() + "&subscription_data[trial_period_days]=14&subscription_data[metadata][user_id]=7")).Ok();

        stage.Simulation.PayCheckout(session.Id).ShouldNotBeNull();

        var paid = (await stage.Api.GetAsync($"/v1/checkout/sessions/{session.Id}?expand[]=subscription")).Ok();
        paid["payment_status"].GetString().ShouldBe("no_payment_required");
        paid.At("subscription.status").GetString().ShouldBe("trialing");
        paid.At("subscription.metadata.user_id").GetString().ShouldBe("7");
        paid.At("subscription.trial_end").GetInt64().ShouldBe(stage.Simulation.Now.AddDays(14).ToUnixTimeSeconds());
    }
}
