using PyResolve.StripeSimulator.Tests.Drivers;

namespace PyResolve.StripeSimulator.Tests;

public sealed class CheckoutTests
{
    [Fact]
    public async Task Paying_starts_the_subscription_and_tells_it_signed()
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
    public async Task A_declined_card_leaves_nothing_behind()
    {
        await using var stage = await Stage.SetAsync();
        var customer = (await stage.Api.PostAsync("/v1/customers")).Ok().Id;
        var session = (await stage.Api.PostAsync("/v1/checkout/sessions", stage.CheckoutForm(customer))).Ok();

        var next = stage.Simulation.PayCheckout(session.Id, CardBehaviour.Declined);

        next.ShouldBeNull();
        (await stage.Api.GetAsync($"/v1/subscriptions?customer={customer}&status=all")).Ok().Data.ShouldBeEmpty();
        (await stage.Api.GetAsync($"/v1/checkout/sessions/{session.Id}")).Ok()["status"].GetString().ShouldBe("open");
    }
}
