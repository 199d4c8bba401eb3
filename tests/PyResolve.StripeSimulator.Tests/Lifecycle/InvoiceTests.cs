using Stripe;

namespace PyResolve.StripeSimulator.Tests.Lifecycle;

/// <summary>What changes the amount of an invoice: coupons, tax, and items of its own.</summary>
public sealed class InvoiceTests : IAsyncLifetime
{
    private Stage _stage = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Theory]
    [InlineData("once", null, new long[] { 950, 1900, 1900 })]
    [InlineData("repeating", 2L, new long[] { 950, 950, 1900 })]
    [InlineData("forever", null, new long[] { 950, 950, 950 })]
    public async Task A_coupon_counts_as_long_as_it_says(string duration, long? months, long[] amounts)
    {
        var coupon = await _stage.Stripe.Coupons.CreateAsync(
            new() { PercentOff = 50, Duration = duration, DurationInMonths = months }, cancellationToken: Cancellation);
        var customer = _stage.Simulation.AddCustomer();
        await _stage.Stripe.Subscriptions.CreateAsync(
            new() { Customer = customer, Items = [new() { Price = _stage.Pro }], Discounts = [new() { Coupon = coupon.Id }] },
            cancellationToken: Cancellation);

        _stage.Simulation.Advance(_stage.Simulation.Now.AddMonths(2).AddHours(1) - _stage.Simulation.Now);

        var invoices = await _stage.Stripe.Invoices.ListAsync(new() { Customer = customer }, cancellationToken: Cancellation);
        invoices.Select(static invoice => invoice.AmountPaid).Reverse().ShouldBe(amounts);
        invoices.Last().TotalDiscountAmounts.Single().Amount.ShouldBe(950);
        invoices.ShouldAllBe(static invoice => invoice.Subtotal == 1900);
    }

    [Fact]
    public async Task A_code_takes_an_amount_off_a_checkout_as_often_as_it_may()
    {
        var coupon = await _stage.Stripe.Coupons.CreateAsync(
            new() { AmountOff = 500, Currency = "usd", Duration = "once" }, cancellationToken: Cancellation);
        var code = await _stage.Stripe.PromotionCodes.CreateAsync(
            new() { Promotion = new() { Type = "coupon", Coupon = coupon.Id }, Code = "SPRING", MaxRedemptions = 1 },
            cancellationToken: Cancellation);
        var checkout = _stage.Checkout(_stage.Simulation.AddCustomer());
        checkout.Discounts = [new() { PromotionCode = code.Id }];
        var session = await _stage.Stripe.Checkout.Sessions.CreateAsync(checkout, cancellationToken: Cancellation);
        _stage.Simulation.PayCheckout(session.Id);

        var refused = await Should.ThrowAsync<StripeException>(
            () => _stage.Stripe.Checkout.Sessions.CreateAsync(checkout, cancellationToken: Cancellation));

        (session.AmountSubtotal, session.AmountTotal, session.TotalDetails.AmountDiscount).ShouldBe((1900, 1400, 500));
        refused.StripeError.Message.ShouldBe("This promotion code cannot be redeemed.");
        (await _stage.Stripe.Invoices.ListAsync(cancellationToken: Cancellation)).Single().AmountPaid.ShouldBe(1400);
    }

    [Fact]
    public async Task A_person_types_a_code_on_the_page()
    {
        (await _stage.Api.PostAsync("/v1/coupons", "id=half&percent_off=50")).Ok();
        (await _stage.Api.PostAsync("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=half&code=SPRING")).Ok();
        var session = (await _stage.Api.PostAsync("/v1/checkout/sessions", _stage.CheckoutForm() + "&allow_promotion_codes=true")).Ok();

        (await ApplyAsync("WINTER")).ShouldContain("This code is invalid.");
        var page = await ApplyAsync("spring");

        page.ShouldContain("Pay $9.50");
        (await _stage.Api.GetAsync($"/v1/checkout/sessions/{session.Id}")).Ok()["amount_total"].GetInt64().ShouldBe(950);

        async Task<string> ApplyAsync(string code)
        {
            using var http = new HttpClient();
            using var form = new FormUrlEncodedContent([KeyValuePair.Create("code", code), KeyValuePair.Create("apply", "1")]);
            using var answer = await http.PostAsync(new Uri(session["url"].GetString()!), form, Cancellation);
            return await answer.Content.ReadAsStringAsync(Cancellation);
        }
    }

    [Fact]
    public async Task Automatic_tax_is_added_to_every_invoice_of_the_subscription()
    {
        var checkout = _stage.Checkout(_stage.Simulation.AddCustomer());
        checkout.AutomaticTax = new() { Enabled = true };
        var session = await _stage.Stripe.Checkout.Sessions.CreateAsync(checkout, cancellationToken: Cancellation);
        _stage.Simulation.PayCheckout(session.Id);

        _stage.Simulation.Advance(TimeSpan.FromDays(31));

        (session.AmountTotal, session.TotalDetails.AmountTax).ShouldBe((2280, 380));
        var invoices = await _stage.Stripe.Invoices.ListAsync(cancellationToken: Cancellation);
        invoices.Select(static invoice => (invoice.Subtotal, invoice.TotalTaxes.Single().Amount, invoice.AmountPaid))
            .ShouldBe([(1900, 380, 2280), (1900, 380, 2280)]);
    }

    [Fact]
    public async Task An_invoice_item_waits_for_the_next_invoice()
    {
        var customer = _stage.Simulation.AddCustomer();
        var subscription = _stage.Simulation.Subscribe(customer, _stage.Pro);
        await _stage.Stripe.InvoiceItems.CreateAsync(
            new() { Customer = customer, Amount = 250, Currency = "usd", Description = "Setup" }, cancellationToken: Cancellation);
        var preview = await _stage.Stripe.Invoices.CreatePreviewAsync(
            new() { Subscription = subscription }, cancellationToken: Cancellation);

        _stage.Simulation.Advance(TimeSpan.FromDays(62));

        preview.AmountDue.ShouldBe(2150);
        var invoices = await _stage.Stripe.Invoices.ListAsync(new() { Customer = customer }, cancellationToken: Cancellation);
        invoices.Select(static invoice => invoice.AmountPaid).ShouldBe([1900, 2150, 1900]);
        invoices.Data[1].Lines.Select(static line => line.Description).ShouldBe(["1 × PyResolve Pro", "Setup"]);
    }

    [Fact]
    public async Task An_invoice_by_itself_is_issued_paid_and_voided()
    {
        var customer = _stage.Simulation.AddCustomer();
        var paid = await CreateAsync();
        var voided = await CreateAsync();

        await _stage.Stripe.Invoices.FinalizeInvoiceAsync(voided.Id, cancellationToken: Cancellation);
        voided = await _stage.Stripe.Invoices.VoidInvoiceAsync(voided.Id, cancellationToken: Cancellation);
        paid = await _stage.Stripe.Invoices.PayAsync(paid.Id, cancellationToken: Cancellation);

        (paid.Status, paid.AmountPaid, paid.Parent, voided.Status).ShouldBe(("paid", 700, null, "void"));

        async Task<Invoice> CreateAsync()
        {
            await _stage.Stripe.InvoiceItems.CreateAsync(
                new() { Customer = customer, Amount = 700, Currency = "usd" }, cancellationToken: Cancellation);
            return await _stage.Stripe.Invoices.CreateAsync(
                new() { Customer = customer, PendingInvoiceItemsBehavior = "include" }, cancellationToken: Cancellation);
        }
    }

    [Fact]
    public async Task A_preview_of_a_change_costs_what_the_change_costs()
    {
        var customer = _stage.Simulation.AddCustomer();
        var subscription = await _stage.Stripe.Subscriptions.GetAsync(
            _stage.Simulation.Subscribe(customer, _stage.Pro), cancellationToken: Cancellation);
        _stage.Simulation.Advance(TimeSpan.FromDays(15));
        var preview = await _stage.Stripe.Invoices.CreatePreviewAsync(
            new()
            {
                Subscription = subscription.Id,
                SubscriptionDetails = new()
                {
                    Items = [new() { Id = subscription.Items.Single().Id, Price = _stage.Unlimited }],
                    ProrationBehavior = "always_invoice",
                },
            },
            cancellationToken: Cancellation);

        _stage.Simulation.Subscription(subscription.Id).SwitchTo(_stage.Unlimited);

        preview.AmountDue.ShouldBe(4000);
        (await _stage.Stripe.Invoices.ListAsync(new() { Customer = customer, Limit = 1 }, cancellationToken: Cancellation))
            .Single().AmountPaid.ShouldBe(preview.AmountDue);
    }

    [Fact]
    public async Task Only_a_product_without_prices_is_deleted()
    {
        var product = await _stage.Stripe.Products.CreateAsync(new() { Name = "Extra" }, cancellationToken: Cancellation);
        var sold = (await _stage.Stripe.Prices.GetAsync(_stage.Pro, cancellationToken: Cancellation)).ProductId;

        await Should.ThrowAsync<StripeException>(() => _stage.Stripe.Products.DeleteAsync(sold, cancellationToken: Cancellation));

        (await _stage.Stripe.Products.DeleteAsync(product.Id, cancellationToken: Cancellation)).Deleted.ShouldBe(true);
        (await _stage.Stripe.Products.ListAsync(cancellationToken: Cancellation)).ShouldNotContain(left => left.Id == product.Id);
    }
}
