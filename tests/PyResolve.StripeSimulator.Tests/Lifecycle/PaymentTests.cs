using System.Globalization;
using Stripe;
using Stripe.Checkout;

namespace PyResolve.StripeSimulator.Tests.Lifecycle;

/// <summary>One-off payments, refunds, disputes, and debits that take days.</summary>
public sealed class PaymentTests : IAsyncLifetime
{
    private Stage _stage = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_one_off_payment_completes_its_checkout_with_its_metadata()
    {
        var customer = _stage.Simulation.AddCustomer();
        var session = await BuyCreditsAsync(customer);

        _stage.Simulation.PayCheckout(session.Id).ShouldNotBeNull();

        var paid = await _stage.Stripe.Checkout.Sessions.GetAsync(
            session.Id, new() { Expand = ["payment_intent"] }, cancellationToken: Cancellation);
        (paid.Mode, paid.Status, paid.PaymentStatus, paid.SubscriptionId, paid.Metadata["credits"])
            .ShouldBe(("payment", "complete", "paid", null, "500"));
        (paid.PaymentIntent.Status, paid.PaymentIntent.AmountReceived, paid.PaymentIntent.Metadata["order"])
            .ShouldBe(("succeeded", 1000, "7"));
        (await TypesAsync(5)).ShouldBe([
            "checkout.session.completed", "payment_intent.succeeded", "charge.succeeded", "payment_method.attached",
            "payment_intent.created",
        ]);
    }

    [Theory]
    [InlineData(CardBehaviour.SettlesLater, "paid", "checkout.session.async_payment_succeeded")]
    [InlineData(CardBehaviour.BouncesLater, "unpaid", "checkout.session.async_payment_failed")]
    public async Task A_debit_pays_a_checkout_days_later_or_never(CardBehaviour account, string status, string type)
    {
        var session = await BuyCreditsAsync(_stage.Simulation.AddCustomer());
        _stage.Simulation.PayCheckout(session.Id, account);
        (await _stage.Stripe.Checkout.Sessions.GetAsync(session.Id, cancellationToken: Cancellation)).PaymentStatus.ShouldBe("unpaid");

        _stage.Simulation.Advance(TimeSpan.FromDays(3));

        (await _stage.Stripe.Checkout.Sessions.GetAsync(session.Id, cancellationToken: Cancellation)).PaymentStatus.ShouldBe(status);
        (await TypesAsync(1)).ShouldBe([type]);
    }

    [Fact]
    public async Task A_debit_for_a_subscription_that_bounces_makes_it_past_due()
    {
        var customer = _stage.Simulation.AddCustomer(card: CardBehaviour.BouncesLater);
        var subscription = _stage.Simulation.Subscription(_stage.Simulation.Subscribe(customer, _stage.Pro));
        subscription.Status.ShouldBe("active");

        _stage.Simulation.Advance(TimeSpan.FromDays(3));

        subscription.Status.ShouldBe("past_due");
        var invoice = (await _stage.Stripe.Invoices.ListAsync(new() { Customer = customer }, cancellationToken: Cancellation)).Single();
        (invoice.Status, invoice.AttemptCount).ShouldBe(("open", 1));
        _stage.Simulation.ReplaceCard(customer, CardBehaviour.Works);
        subscription.Status.ShouldBe("active");
    }

    [Fact]
    public async Task A_debit_for_a_subscription_that_arrives_pays_the_invoice_later()
    {
        var customer = _stage.Simulation.AddCustomer(card: CardBehaviour.SettlesLater);
        var subscription = _stage.Simulation.Subscription(_stage.Simulation.Subscribe(customer, _stage.Pro));
        (await InvoiceStatusAsync()).ShouldBe("open");

        _stage.Simulation.Advance(TimeSpan.FromDays(3));

        (await InvoiceStatusAsync()).ShouldBe("paid");
        subscription.Status.ShouldBe("active");

        async Task<string> InvoiceStatusAsync() =>
            (await _stage.Stripe.Invoices.ListAsync(new() { Customer = customer }, cancellationToken: Cancellation)).Single().Status;
    }

    [Fact]
    public async Task A_payment_is_refunded_in_parts_and_not_beyond()
    {
        var session = await BuyCreditsAsync(_stage.Simulation.AddCustomer());
        _stage.Simulation.PayCheckout(session.Id);
        var intent = (await _stage.Stripe.Checkout.Sessions.GetAsync(session.Id, cancellationToken: Cancellation)).PaymentIntentId;

        await _stage.Stripe.Refunds.CreateAsync(new() { PaymentIntent = intent, Amount = 400 }, cancellationToken: Cancellation);
        await _stage.Stripe.Refunds.CreateAsync(new() { PaymentIntent = intent }, cancellationToken: Cancellation);

        var charge = (await _stage.Stripe.Charges.ListAsync(new() { PaymentIntent = intent }, cancellationToken: Cancellation)).Single();
        (charge.Refunded, charge.AmountRefunded).ShouldBe((true, 1000));
        var refused = await Should.ThrowAsync<StripeException>(
            () => _stage.Stripe.Refunds.CreateAsync(new() { PaymentIntent = intent }, cancellationToken: Cancellation));
        refused.StripeError.Code.ShouldBe("charge_already_refunded");
        (await TypesAsync(2)).ShouldBe(["charge.refunded", "refund.created"]);
    }

    [Fact]
    public async Task The_charge_of_a_subscription_leads_to_its_invoice_and_is_disputed_and_won()
    {
        var customer = _stage.Simulation.AddCustomer();
        var subscription = _stage.Simulation.Subscribe(customer, _stage.Pro);

        var disputed = _stage.Simulation.Subscription(subscription).DisputePayment();

        var charge = (await _stage.Stripe.Charges.ListAsync(new() { Customer = customer }, cancellationToken: Cancellation)).Single();
        charge.Disputed.ShouldBeTrue();
        var payment = (await _stage.Stripe.InvoicePayments.ListAsync(
            new() { Payment = new() { Type = "payment_intent", PaymentIntent = charge.PaymentIntentId }, Expand = ["data.invoice"] },
            cancellationToken: Cancellation)).Single();
        payment.Invoice.Parent.SubscriptionDetails.SubscriptionId.ShouldBe(subscription);
        _stage.Simulation.CloseDispute(disputed, isWon: true);
        (await _stage.Stripe.Disputes.ListAsync(new() { Charge = charge.Id }, cancellationToken: Cancellation)).Single().Status
            .ShouldBe("won");
        (await TypesAsync(4)).ShouldBe([
            "charge.dispute.closed", "charge.dispute.funds_reinstated", "charge.dispute.funds_withdrawn", "charge.dispute.created",
        ]);
    }

    [Fact]
    public async Task A_payment_that_no_subscription_made_is_disputed_once()
    {
        var payment = await _stage.Stripe.PaymentIntents.CreateAsync(
            new()
            {
                Amount = 900, Currency = "eur", Customer = _stage.Simulation.AddCustomer(), PaymentMethod = "pm_card_visa", Confirm = true,
                AutomaticPaymentMethods = new() { Enabled = true, AllowRedirects = "never" },
            },
            cancellationToken: Cancellation);

        _stage.Simulation.CloseDispute(_stage.Simulation.DisputeCharge(payment.LatestChargeId), isWon: false);

        (await _stage.Stripe.Disputes.ListAsync(new() { Charge = payment.LatestChargeId }, cancellationToken: Cancellation)).Single().Status
            .ShouldBe("lost");
        Should.Throw<KeyNotFoundException>(() => _stage.Simulation.DisputeCharge(payment.LatestChargeId));
    }

    [Fact]
    public async Task A_card_of_a_customer_pays_invoices_only_as_the_default()
    {
        var customer = await _stage.Stripe.Customers.CreateAsync(
            new() { Email = "ada@example.com", PaymentMethod = "pm_card_visa" }, cancellationToken: Cancellation);
        var card = (await _stage.Stripe.PaymentMethods.ListAsync(
            new() { Customer = customer.Id }, cancellationToken: Cancellation)).Single();
        (await SubscribeAsync()).Status.ShouldBe("incomplete");

        await _stage.Stripe.Customers.UpdateAsync(
            customer.Id, new() { InvoiceSettings = new() { DefaultPaymentMethod = card.Id } }, cancellationToken: Cancellation);

        (await SubscribeAsync()).Status.ShouldBe("active");
        card.Card.Last4.ShouldBe("4242");

        Task<Subscription> SubscribeAsync() => _stage.Stripe.Subscriptions.CreateAsync(
            new() { Customer = customer.Id, Items = [new() { Price = _stage.Pro }] }, cancellationToken: Cancellation);
    }

    [Theory]
    [InlineData("mode=payment", "recurring", "line_items")]
    [InlineData("mode=payment&subscription_data[description]=x", "subscription_data", "subscription_data")]
    [InlineData("mode=setup", "You can not pass `line_items` in `setup` mode.", "line_items")]
    public async Task A_checkout_takes_what_its_mode_allows(string form, string message, string param)
    {
        var refused = await _stage.Api.PostAsync(
            "/v1/checkout/sessions", _stage.CheckoutForm().Replace("mode=subscription", form, StringComparison.Ordinal));

        refused.Status.ShouldBe(400);
        refused.At("error.message").GetString()!.ShouldContain(message);
        refused.ErrorParam.ShouldBe(param);
    }

    private Task<Session> BuyCreditsAsync(string customer) => _stage.Stripe.Checkout.Sessions.CreateAsync(
        new()
        {
            Mode = "payment",
            Customer = customer,
            LineItems = [new()
            {
                Quantity = 1, PriceData = new() { Currency = "usd", UnitAmount = 1000, ProductData = new() { Name = "500 credits" } },
            }],
            PaymentIntentData = new() { Metadata = new() { ["order"] = "7" } },
            Metadata = new() { ["credits"] = "500" },
            SuccessUrl = "http://localhost/ok",
        },
        cancellationToken: Cancellation);

    private async Task<IEnumerable<string?>> TypesAsync(int count) =>
        (await _stage.Api.GetAsync(string.Create(CultureInfo.InvariantCulture, $"/v1/events?limit={count}"))).Ok().Data
        .Select(static stripeEvent => stripeEvent.GetProperty("type").GetString());
}
