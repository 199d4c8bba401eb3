using Stripe;
using Stripe.BillingPortal;

namespace PyResolve.StripeSimulator.Tests.Drivers;

/// <summary>
/// One call of Stripe's own client for each route of the simulator: those that the server makes, and those that a developer tries first.
/// </summary>
internal sealed class ClientCalls(Stage stage)
{
    private const string Landing = "http://localhost/";

    private string _customer = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private V1Services Stripe => stage.Stripe;

    public void Prepare() => _customer = stage.Simulation.AddCustomer("ada@example.com");

    public IEnumerable<(string Route, Func<Task<StripeEntity>> Call)> Catalogue =>
    [
        ("POST /v1/products", async () => await ProductAsync()),
        ("GET /v1/products", async () => await Stripe.Products.ListAsync(new() { Active = true }, cancellationToken: Cancellation)),
        ("GET /v1/products/{id}", async () => await Stripe.Products.GetAsync((await ProductAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/products/{id}", async () => await Stripe.Products.UpdateAsync(
            (await ProductAsync()).Id, new() { Name = "Other" }, cancellationToken: Cancellation)),
        ("DELETE /v1/products/{id}", async () =>
            await Stripe.Products.DeleteAsync((await ProductAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/prices", async () => await Stripe.Prices.CreateAsync(
            new() { Currency = "usd", UnitAmount = 500, ProductData = new() { Name = "Credits" } }, cancellationToken: Cancellation)),
        ("GET /v1/prices", async () => await Stripe.Prices.ListAsync(new() { LookupKeys = ["pro"] }, cancellationToken: Cancellation)),
        ("GET /v1/prices/{id}", async () => await Stripe.Prices.GetAsync(
            stage.Pro, new() { Expand = ["product"] }, cancellationToken: Cancellation)),
        ("POST /v1/prices/{id}", async () => await Stripe.Prices.UpdateAsync(
            stage.Pro, new() { Nickname = "Pro" }, cancellationToken: Cancellation)),
        ("POST /v1/coupons", async () => await CouponAsync()),
        ("GET /v1/coupons", async () => await Stripe.Coupons.ListAsync(cancellationToken: Cancellation)),
        ("GET /v1/coupons/{id}", async () => await Stripe.Coupons.GetAsync((await CouponAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/coupons/{id}", async () => await Stripe.Coupons.UpdateAsync(
            (await CouponAsync()).Id, new() { Name = "Spring" }, cancellationToken: Cancellation)),
        ("DELETE /v1/coupons/{id}", async () =>
            await Stripe.Coupons.DeleteAsync((await CouponAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/promotion_codes", async () => await CodeAsync()),
        ("GET /v1/promotion_codes", async () => await Stripe.PromotionCodes.ListAsync(
            new() { Active = true }, cancellationToken: Cancellation)),
        ("GET /v1/promotion_codes/{id}", async () =>
            await Stripe.PromotionCodes.GetAsync((await CodeAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/promotion_codes/{id}", async () => await Stripe.PromotionCodes.UpdateAsync(
            (await CodeAsync()).Id, new() { Active = false }, cancellationToken: Cancellation)),
    ];

    public IEnumerable<(string Route, Func<Task<StripeEntity>> Call)> Customers =>
    [
        ("POST /v1/customers", async () => await Stripe.Customers.CreateAsync(
            new() { Email = "grace@example.com", PaymentMethod = "pm_card_visa" }, cancellationToken: Cancellation)),
        ("GET /v1/customers", async () => await Stripe.Customers.ListAsync(
            new() { Email = "ada@example.com" }, cancellationToken: Cancellation)),
        ("GET /v1/customers/search", async () => await Stripe.Customers.SearchAsync(
            new() { Query = "email:'ada@example.com'" }, cancellationToken: Cancellation)),
        ("GET /v1/customers/{id}", async () => await Stripe.Customers.GetAsync(_customer, cancellationToken: Cancellation)),
        ("POST /v1/customers/{id}", async () => await Stripe.Customers.UpdateAsync(
            _customer, new() { Name = "Ada" }, cancellationToken: Cancellation)),
        ("DELETE /v1/customers/{id}", async () => await Stripe.Customers.DeleteAsync(
            stage.Simulation.AddCustomer(), cancellationToken: Cancellation)),
        ("GET /v1/customers/{id}/payment_methods", async () => await Stripe.Customers.PaymentMethods.ListAsync(
            _customer, cancellationToken: Cancellation)),
        ("POST /v1/payment_methods", async () => await MethodAsync()),
        ("GET /v1/payment_methods", async () => await Stripe.PaymentMethods.ListAsync(
            new() { Customer = _customer, Type = "card" }, cancellationToken: Cancellation)),
        ("GET /v1/payment_methods/{id}", async () => await Stripe.PaymentMethods.GetAsync(
            (await MethodAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/payment_methods/{id}/attach", async () => await AttachAsync()),
        ("POST /v1/payment_methods/{id}/detach", async () => await Stripe.PaymentMethods.DetachAsync(
            (await AttachAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/checkout/sessions", async () => await SessionAsync()),
        ("GET /v1/checkout/sessions", async () => await Stripe.Checkout.Sessions.ListAsync(
            new() { Customer = _customer }, cancellationToken: Cancellation)),
        ("GET /v1/checkout/sessions/{id}", async () => await Stripe.Checkout.Sessions.GetAsync(
            (await SessionAsync()).Id, new() { Expand = ["customer"] }, cancellationToken: Cancellation)),
        ("GET /v1/checkout/sessions/{id}/line_items", async () => await Stripe.Checkout.Sessions.LineItems.ListAsync(
            (await SessionAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/checkout/sessions/{id}/expire", async () => await Stripe.Checkout.Sessions.ExpireAsync(
            (await SessionAsync()).Id, cancellationToken: Cancellation)),
        ("GET /v1/setup_intents/{id}", async () => await Stripe.SetupIntents.GetAsync(
            (await SetupAsync()).SetupIntentId, cancellationToken: Cancellation)),
        ("POST /v1/billing_portal/sessions", async () => await Stripe.BillingPortal.Sessions.CreateAsync(
            new() { Customer = _customer, ReturnUrl = Landing }, cancellationToken: Cancellation)),
        ("POST /v1/billing_portal/configurations", async () => await PortalAsync()),
        ("GET /v1/billing_portal/configurations", async () => await Stripe.BillingPortal.Configurations.ListAsync(
            cancellationToken: Cancellation)),
        ("GET /v1/billing_portal/configurations/{id}", async () => await Stripe.BillingPortal.Configurations.GetAsync(
            (await PortalAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/billing_portal/configurations/{id}", async () => await Stripe.BillingPortal.Configurations.UpdateAsync(
            (await PortalAsync()).Id, new() { Active = true }, cancellationToken: Cancellation)),
    ];

    public IEnumerable<(string Route, Func<Task<StripeEntity>> Call)> Subscriptions =>
    [
        ("POST /v1/subscriptions", async () => await SubscribeAsync()),
        ("GET /v1/subscriptions", async () => await Stripe.Subscriptions.ListAsync(
            new() { Customer = _customer, Expand = ["data.latest_invoice"] }, cancellationToken: Cancellation)),
        ("GET /v1/subscriptions/{id}", async () => await Stripe.Subscriptions.GetAsync(
            (await SubscribeAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/subscriptions/{id}", async () => await Stripe.Subscriptions.UpdateAsync(
            (await SubscribeAsync()).Id, new() { CancelAtPeriodEnd = true }, cancellationToken: Cancellation)),
        ("POST /v1/subscriptions/{id}/resume", async () => await ResumeAsync()),
        ("DELETE /v1/subscriptions/{id}", async () => await Stripe.Subscriptions.CancelAsync(
            (await SubscribeAsync()).Id, new() { InvoiceNow = true }, cancellationToken: Cancellation)),
        ("GET /v1/subscription_items", async () => await Stripe.SubscriptionItems.ListAsync(
            new() { Subscription = (await SubscribeAsync()).Id }, cancellationToken: Cancellation)),
        ("GET /v1/subscription_schedules", async () => await Stripe.SubscriptionSchedules.ListAsync(
            new() { Customer = _customer }, cancellationToken: Cancellation)),
        ("POST /v1/test_helpers/test_clocks", async () => await ClockAsync()),
        ("GET /v1/test_helpers/test_clocks", async () => await Stripe.TestHelpers.TestClocks.ListAsync(cancellationToken: Cancellation)),
        ("GET /v1/test_helpers/test_clocks/{id}", async () => await Stripe.TestHelpers.TestClocks.GetAsync(
            (await ClockAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/test_helpers/test_clocks/{id}/advance", async () => await Stripe.TestHelpers.TestClocks.AdvanceAsync(
            (await ClockAsync()).Id, new() { FrozenTime = Now.AddDays(1) }, cancellationToken: Cancellation)),
        ("DELETE /v1/test_helpers/test_clocks/{id}", async () => await Stripe.TestHelpers.TestClocks.DeleteAsync(
            (await ClockAsync()).Id, cancellationToken: Cancellation)),
    ];

    public IEnumerable<(string Route, Func<Task<StripeEntity>> Call)> Money =>
    [
        ("GET /v1/invoices", async () => await Stripe.Invoices.ListAsync(new() { Customer = _customer }, cancellationToken: Cancellation)),
        ("GET /v1/invoices/{id}", async () => await Stripe.Invoices.GetAsync(
            (await SubscribeAsync()).LatestInvoiceId, cancellationToken: Cancellation)),
        ("GET /v1/invoices/{id}/lines", async () => await Stripe.Invoices.LineItems.ListAsync(
            (await SubscribeAsync()).LatestInvoiceId, cancellationToken: Cancellation)),
        ("POST /v1/invoices", async () => await InvoiceAsync()),
        ("POST /v1/invoices/create_preview", async () => await Stripe.Invoices.CreatePreviewAsync(
            new() { Subscription = (await SubscribeAsync()).Id }, cancellationToken: Cancellation)),
        ("POST /v1/invoices/{id}/finalize", async () => await Stripe.Invoices.FinalizeInvoiceAsync(
            (await InvoiceAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/invoices/{id}/void", async () => await Stripe.Invoices.VoidInvoiceAsync(
            (await Stripe.Invoices.FinalizeInvoiceAsync((await InvoiceAsync()).Id, cancellationToken: Cancellation)).Id,
            cancellationToken: Cancellation)),
        ("POST /v1/invoices/{id}/pay", async () => await Stripe.Invoices.PayAsync(
            (await InvoiceAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/invoiceitems", async () => await ItemAsync()),
        ("GET /v1/invoiceitems", async () => await Stripe.InvoiceItems.ListAsync(
            new() { Pending = true }, cancellationToken: Cancellation)),
        ("GET /v1/invoiceitems/{id}", async () => await Stripe.InvoiceItems.GetAsync(
            (await ItemAsync()).Id, cancellationToken: Cancellation)),
        ("DELETE /v1/invoiceitems/{id}", async () => await Stripe.InvoiceItems.DeleteAsync(
            (await ItemAsync()).Id, cancellationToken: Cancellation)),
        ("GET /v1/invoice_payments", async () => await PaymentsAsync()),
        ("GET /v1/invoice_payments/{id}", async () => await Stripe.InvoicePayments.GetAsync(
            (await PaymentsAsync()).First().Id, cancellationToken: Cancellation)),
        ("POST /v1/payment_intents", async () => await IntentAsync(confirm: true)),
        ("GET /v1/payment_intents", async () => await Stripe.PaymentIntents.ListAsync(
            new() { Customer = _customer }, cancellationToken: Cancellation)),
        ("GET /v1/payment_intents/{id}", async () => await Stripe.PaymentIntents.GetAsync(
            (await IntentAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/payment_intents/{id}", async () => await Stripe.PaymentIntents.UpdateAsync(
            (await IntentAsync()).Id, new() { Description = "Credits" }, cancellationToken: Cancellation)),
        ("POST /v1/payment_intents/{id}/confirm", async () => await Stripe.PaymentIntents.ConfirmAsync(
            (await IntentAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/payment_intents/{id}/cancel", async () => await Stripe.PaymentIntents.CancelAsync(
            (await IntentAsync()).Id, cancellationToken: Cancellation)),
        ("GET /v1/charges", async () => await Stripe.Charges.ListAsync(new() { Customer = _customer }, cancellationToken: Cancellation)),
        ("GET /v1/charges/{id}", async () => await Stripe.Charges.GetAsync(
            (await IntentAsync(confirm: true)).LatestChargeId, cancellationToken: Cancellation)),
        ("POST /v1/refunds", async () => await RefundAsync()),
        ("GET /v1/refunds", async () => await Stripe.Refunds.ListAsync(cancellationToken: Cancellation)),
        ("GET /v1/refunds/{id}", async () => await Stripe.Refunds.GetAsync((await RefundAsync()).Id, cancellationToken: Cancellation)),
        ("GET /v1/disputes", async () => await Stripe.Disputes.ListAsync(cancellationToken: Cancellation)),
        ("GET /v1/disputes/{id}", async () => await Stripe.Disputes.GetAsync(await DisputeAsync(), cancellationToken: Cancellation)),
        ("POST /v1/disputes/{id}/close", async () => await Stripe.Disputes.CloseAsync(
            await DisputeAsync(), cancellationToken: Cancellation)),
    ];

    public IEnumerable<(string Route, Func<Task<StripeEntity>> Call)> Usage =>
    [
        ("POST /v1/billing/meters", async () => await MeterAsync()),
        ("GET /v1/billing/meters", async () => await Stripe.Billing.Meters.ListAsync(cancellationToken: Cancellation)),
        ("GET /v1/billing/meters/{id}", async () => await Stripe.Billing.Meters.GetAsync(
            (await MeterAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/billing/meters/{id}", async () => await Stripe.Billing.Meters.UpdateAsync(
            (await MeterAsync()).Id, new() { DisplayName = "Other" }, cancellationToken: Cancellation)),
        ("POST /v1/billing/meters/{id}/deactivate", async () => await Stripe.Billing.Meters.DeactivateAsync(
            (await MeterAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/billing/meters/{id}/reactivate", async () => await Stripe.Billing.Meters.ReactivateAsync(
            (await MeterAsync()).Id, cancellationToken: Cancellation)),
        ("GET /v1/billing/meters/{id}/event_summaries", async () => await Stripe.Billing.Meters.EventSummaries.ListAsync(
            (await MeterAsync()).Id,
            new() { Customer = _customer, StartTime = Now.Date, EndTime = Now.Date.AddDays(1) },
            cancellationToken: Cancellation)),
        ("POST /v1/billing/meter_events", async () => await ReportAsync()),
        ("POST /v1/billing/meter_event_adjustments", async () => await AdjustAsync()),
        ("GET /v1/events", async () => await Stripe.Events.ListAsync(
            new() { Types = ["customer.created"] }, cancellationToken: Cancellation)),
        ("GET /v1/events/{id}", async () => await Stripe.Events.GetAsync(
            (await Stripe.Events.ListAsync(cancellationToken: Cancellation)).First().Id, cancellationToken: Cancellation)),
        ("POST /v1/webhook_endpoints", async () => await EndpointAsync()),
        ("GET /v1/webhook_endpoints", async () => await Stripe.WebhookEndpoints.ListAsync(cancellationToken: Cancellation)),
        ("GET /v1/webhook_endpoints/{id}", async () => await Stripe.WebhookEndpoints.GetAsync(
            (await EndpointAsync()).Id, cancellationToken: Cancellation)),
        ("POST /v1/webhook_endpoints/{id}", async () => await Stripe.WebhookEndpoints.UpdateAsync(
            (await EndpointAsync()).Id, new() { Disabled = true }, cancellationToken: Cancellation)),
        ("DELETE /v1/webhook_endpoints/{id}", async () => await Stripe.WebhookEndpoints.DeleteAsync(
            (await EndpointAsync()).Id, cancellationToken: Cancellation)),
    ];

    private DateTime Now => stage.Simulation.Now.UtcDateTime;

    private Task<Product> ProductAsync() => Stripe.Products.CreateAsync(new() { Name = "Extra" }, cancellationToken: Cancellation);

    private Task<Coupon> CouponAsync() => Stripe.Coupons.CreateAsync(
        new() { PercentOff = 25.5m, Duration = "once" }, cancellationToken: Cancellation);

    private async Task<PromotionCode> CodeAsync() => await Stripe.PromotionCodes.CreateAsync(
        new() { Promotion = new() { Type = "coupon", Coupon = (await CouponAsync()).Id } }, cancellationToken: Cancellation);

    private Task<PaymentMethod> MethodAsync() => Stripe.PaymentMethods.CreateAsync(
        new() { Type = "card", Card = new() { Token = "tok_visa" } }, cancellationToken: Cancellation);

    private async Task<PaymentMethod> AttachAsync() => await Stripe.PaymentMethods.AttachAsync(
        (await MethodAsync()).Id, new() { Customer = _customer }, cancellationToken: Cancellation);

    private Task<global::Stripe.Checkout.Session> SessionAsync() => Stripe.Checkout.Sessions.CreateAsync(
        stage.Checkout(_customer), cancellationToken: Cancellation);

    private Task<global::Stripe.Checkout.Session> SetupAsync() => Stripe.Checkout.Sessions.CreateAsync(
        new() { Mode = "setup", Customer = _customer, Currency = "usd", SuccessUrl = Landing }, cancellationToken: Cancellation);

    private Task<Configuration> PortalAsync() => Stripe.BillingPortal.Configurations.CreateAsync(
        new() { Features = new() { InvoiceHistory = new() { Enabled = true } } }, cancellationToken: Cancellation);

    private Task<Subscription> SubscribeAsync() => Stripe.Subscriptions.CreateAsync(
        new() { Customer = _customer, Items = [new() { Price = stage.Pro }] }, cancellationToken: Cancellation);

    private async Task<StripeEntity> ResumeAsync()
    {
        var subscription = await SubscribeAsync();
        stage.Simulation.Subscription(subscription.Id).Set(new SubscriptionEdit { Status = "paused" });
        return await Stripe.Subscriptions.ResumeAsync(subscription.Id, cancellationToken: Cancellation);
    }

    private Task<global::Stripe.TestHelpers.TestClock> ClockAsync() => Stripe.TestHelpers.TestClocks.CreateAsync(
        new() { FrozenTime = Now }, cancellationToken: Cancellation);

    private async Task<Invoice> InvoiceAsync()
    {
        await ItemAsync();
        return await Stripe.Invoices.CreateAsync(
            new() { Customer = _customer, PendingInvoiceItemsBehavior = "include" }, cancellationToken: Cancellation);
    }

    private Task<InvoiceItem> ItemAsync() => Stripe.InvoiceItems.CreateAsync(
        new() { Customer = _customer, Pricing = new() { Price = stage.Pro }, Quantity = 2 }, cancellationToken: Cancellation);

    private async Task<StripeList<InvoicePayment>> PaymentsAsync() => await Stripe.InvoicePayments.ListAsync(
        new() { Invoice = (await SubscribeAsync()).LatestInvoiceId }, cancellationToken: Cancellation);

    private Task<PaymentIntent> IntentAsync(bool? confirm = null) => Stripe.PaymentIntents.CreateAsync(
        new() { Amount = 1000, Currency = "usd", Customer = _customer, PaymentMethod = "pm_card_visa", Confirm = confirm },
        cancellationToken: Cancellation);

    private async Task<Refund> RefundAsync() => await Stripe.Refunds.CreateAsync(
        new() { PaymentIntent = (await IntentAsync(confirm: true)).Id }, cancellationToken: Cancellation);

    private async Task<string> DisputeAsync() => stage.Simulation.Subscription((await SubscribeAsync()).Id).DisputePayment();

    private Task<global::Stripe.Billing.Meter> MeterAsync() => Stripe.Billing.Meters.CreateAsync(
        new() { DisplayName = "Units", EventName = $"units_{_meters++}", DefaultAggregation = new() { Formula = "sum" } },
        cancellationToken: Cancellation);

    private async Task<global::Stripe.Billing.MeterEvent> ReportAsync() => await Stripe.Billing.MeterEvents.CreateAsync(
        new()
        {
            EventName = (await MeterAsync()).EventName, Payload = new() { ["stripe_customer_id"] = _customer, ["value"] = "3" },
        },
        cancellationToken: Cancellation);

    private async Task<StripeEntity> AdjustAsync()
    {
        var usage = await ReportAsync();
        return await Stripe.Billing.MeterEventAdjustments.CreateAsync(
            new() { EventName = usage.EventName, Type = "cancel", Cancel = new() { Identifier = usage.Identifier } },
            cancellationToken: Cancellation);
    }

    private Task<WebhookEndpoint> EndpointAsync() => Stripe.WebhookEndpoints.CreateAsync(
        new() { Url = Landing, EnabledEvents = ["customer.deleted"] }, cancellationToken: Cancellation);

    private int _meters;
}
