using Stripe.Checkout;
using Stripe;

namespace PyResolve.StripeSimulator.Tests.Lifecycle;

public sealed class CheckoutTests
{
    private static readonly SessionGetOptions WithSubscription = new() { Expand = ["subscription"] };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Paying_starts_the_subscription_and_sends_signed_events()
    {
        await using var stage = await Stage.SetAsync();
        var (receiver, secret) = await stage.ListenAsync("customer.subscription.created", "checkout.session.completed");
        await using var listening = receiver;
        var customer = await stage.Stripe.Customers.CreateAsync(new() { Email = "ada@example.com" }, cancellationToken: Cancellation);
        var session = await stage.Stripe.Checkout.Sessions.CreateAsync(stage.Checkout(customer.Id), cancellationToken: Cancellation);

        var next = stage.Simulation.PayCheckout(session.Id);
        await stage.Simulation.Webhooks.WhenIdleAsync(Cancellation);

        next.ShouldBe(new Uri($"http://localhost/ok?s={session.Id}"));
        var paid = await stage.Stripe.Checkout.Sessions.GetAsync(session.Id, WithSubscription, cancellationToken: Cancellation);
        (paid.Status, paid.PaymentStatus).ShouldBe(("complete", "paid"));
        (paid.Subscription.Status, paid.Subscription.CustomerId).ShouldBe(("active", customer.Id));
        receiver.Types.ShouldBe(["customer.subscription.created", "checkout.session.completed"], ignoreOrder: true);
        receiver.Received.ShouldAllBe(received => received.IsSignedWith(secret));
    }

    [Fact]
    public async Task A_declined_card_changes_nothing()
    {
        await using var stage = await Stage.SetAsync();
        var customer = await stage.Stripe.Customers.CreateAsync(new CustomerCreateOptions(), cancellationToken: Cancellation);
        var session = await stage.Stripe.Checkout.Sessions.CreateAsync(stage.Checkout(customer.Id), cancellationToken: Cancellation);

        var next = stage.Simulation.PayCheckout(session.Id, CardBehaviour.Declined);

        next.ShouldBeNull();
        (await stage.Stripe.Subscriptions.ListAsync(new() { Customer = customer.Id, Status = "all" }, cancellationToken: Cancellation))
            .ShouldBeEmpty();
        (await stage.Stripe.Checkout.Sessions.GetAsync(session.Id, cancellationToken: Cancellation)).Status.ShouldBe("open");
    }

    [Fact]
    public async Task An_unpaid_session_expires_after_a_day()
    {
        await using var stage = await Stage.SetAsync();
        var session = await stage.Stripe.Checkout.Sessions.CreateAsync(stage.Checkout(), cancellationToken: Cancellation);

        stage.Simulation.Advance(TimeSpan.FromHours(25));

        (await stage.Stripe.Checkout.Sessions.GetAsync(session.Id, cancellationToken: Cancellation)).Status.ShouldBe("expired");
        (await stage.Stripe.Events.ListAsync(new() { Type = "checkout.session.expired" }, cancellationToken: Cancellation)).Count()
            .ShouldBe(1);
        stage.Simulation.PayCheckout(session.Id).ShouldBeNull();
    }

    [Fact]
    public async Task A_session_can_be_expired_once_and_not_paid_afterwards()
    {
        await using var stage = await Stage.SetAsync();
        var session = await stage.Stripe.Checkout.Sessions.CreateAsync(stage.Checkout(), cancellationToken: Cancellation);

        var expired = await stage.Stripe.Checkout.Sessions.ExpireAsync(session.Id, cancellationToken: Cancellation);
        var again = await Should.ThrowAsync<StripeException>(
            () => stage.Stripe.Checkout.Sessions.ExpireAsync(session.Id, cancellationToken: Cancellation));

        expired.Status.ShouldBe("expired");
        again.HttpStatusCode.ShouldBe(System.Net.HttpStatusCode.BadRequest);
        stage.Simulation.PayCheckout(session.Id).ShouldBeNull();
    }

    [Fact]
    public async Task A_trial_starts_without_a_payment()
    {
        await using var stage = await Stage.SetAsync();
        var checkout = stage.Checkout();
        checkout.SubscriptionData = new() { TrialPeriodDays = 14, Metadata = new() { ["user_id"] = "7" } };
        var session = await stage.Stripe.Checkout.Sessions.CreateAsync(checkout, cancellationToken: Cancellation);

        stage.Simulation.PayCheckout(session.Id).ShouldNotBeNull();

        var paid = await stage.Stripe.Checkout.Sessions.GetAsync(session.Id, WithSubscription, cancellationToken: Cancellation);
        paid.PaymentStatus.ShouldBe("no_payment_required");
        (paid.Subscription.Status, paid.Subscription.Metadata["user_id"]).ShouldBe(("trialing", "7"));
        paid.Subscription.TrialEnd.ShouldBe(stage.Simulation.Now.AddDays(14).UtcDateTime);
    }
}
