using Stripe.BillingPortal;
using Stripe;

namespace PyResolve.StripeSimulator.Tests.Api;

/// <summary>The calls that the server makes, through the client that it uses: Stripe.net reads what the server needs.</summary>
public sealed class ServerCallTests : IAsyncLifetime
{
    private Stage _stage = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private V1Services Stripe => _stage.Stripe;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Customers_are_created_once_per_key_found_and_missed()
    {
        var form = new CustomerCreateOptions { Email = "ada+é@example.com", Metadata = new() { ["user_id"] = "7" } };
        var key = new RequestOptions { IdempotencyKey = "key-1" };
        var created = await Stripe.Customers.CreateAsync(form, key, Cancellation);
        var again = await Stripe.Customers.CreateAsync(form, key, Cancellation);
        var other = await Should.ThrowAsync<StripeException>(
            () => Stripe.Customers.CreateAsync(new() { Email = "grace@example.com" }, key, Cancellation));
        var found = await Stripe.Customers.GetAsync(created.Id, cancellationToken: Cancellation);
        var missing = await Should.ThrowAsync<StripeException>(
            () => Stripe.Customers.GetAsync("cus_nothing", cancellationToken: Cancellation));

        again.Id.ShouldBe(created.Id);
        (found.Email, found.Metadata["user_id"], found.Livemode, found.Deleted).ShouldBe(("ada+é@example.com", "7", false, null));
        other.StripeError.Type.ShouldBe("idempotency_error");
        (missing.StripeError.Code, missing.StripeError.Param).ShouldBe(("resource_missing", "id"));
        _stage.Simulation.DeleteCustomer(created.Id);
        (await Stripe.Customers.GetAsync(created.Id, cancellationToken: Cancellation)).Deleted.ShouldBe(true);
    }

    [Fact]
    public async Task Checkout_sessions_are_created_listed_and_read()
    {
        var customer = _stage.Simulation.AddCustomer();
        var checkout = _stage.Checkout(customer);
        checkout.ClientReferenceId = "7";
        checkout.CancelUrl = "http://localhost/no";
        checkout.Metadata = new() { ["attempt"] = "1" };
        checkout.SubscriptionData = new() { Metadata = new() { ["user_id"] = "7" } };

        var created = await Stripe.Checkout.Sessions.CreateAsync(checkout, cancellationToken: Cancellation);
        var listed = (await Stripe.Checkout.Sessions.ListAsync(new() { Customer = customer, Limit = 100 }, cancellationToken: Cancellation))
            .Single();

        (listed.Id, listed.Status, listed.CustomerId, listed.ClientReferenceId, listed.Metadata["attempt"], listed.SubscriptionId)
            .ShouldBe((created.Id, "open", customer, "7", "1", null));
        created.Url.ShouldStartWith(_stage.Host.Address.ToString());
        created.ExpiresAt.ShouldBe(_stage.Simulation.Now.AddDays(1).UtcDateTime);
    }

    [Fact]
    public async Task Subscriptions_are_listed_with_their_items_and_cancelled()
    {
        var customer = _stage.Simulation.AddCustomer();
        var id = _stage.Simulation.Subscribe(customer, _stage.Pro);
        _stage.Simulation.Subscription(id).Set(new SubscriptionEdit { CancelAtPeriodEnd = true, PauseCollection = "void" });

        var listed = (await Stripe.Subscriptions.ListAsync(
            new() { Customer = customer, Status = "all", Limit = 100 }, cancellationToken: Cancellation)).Single();
        await Stripe.Subscriptions.CancelAsync(id, cancellationToken: Cancellation);

        var item = listed.Items.Single();
        (listed.Id, listed.Status, listed.CustomerId, listed.CancelAtPeriodEnd, listed.PauseCollection.Behavior)
            .ShouldBe((id, "active", customer, true, "void"));
        listed.Created.ShouldBe(_stage.Simulation.Now.UtcDateTime);
        (item.Price.Id, item.Price.LookupKey, item.Price.Recurring.Interval, item.Price.Recurring.UsageType, item.Quantity)
            .ShouldBe((_stage.Pro, "pro", "month", "licensed", 1));
        item.CurrentPeriodEnd.ShouldBe(_stage.Simulation.Now.AddMonths(1).UtcDateTime);
        (await Stripe.Subscriptions.ListAsync(new() { Status = "canceled" }, cancellationToken: Cancellation)).Single().Id.ShouldBe(id);
    }

    [Fact]
    public async Task Products_and_prices_are_created_and_found()
    {
        await Stripe.Products.CreateAsync(
            new() { Id = "pyresolve_pro", Name = "PyResolve Pro", Metadata = new() { ["plan"] = "pro" } }, cancellationToken: Cancellation);
        var price = await Stripe.Prices.CreateAsync(
            new()
            {
                Product = "pyresolve_pro", UnitAmount = 1900, Currency = "usd", Recurring = new() { Interval = "month" },
                LookupKey = "pyresolve_pro", TransferLookupKey = true,
            },
            cancellationToken: Cancellation);

        var product = (await Stripe.Products.ListAsync(new() { Ids = ["pyresolve_pro"] }, cancellationToken: Cancellation)).Single();
        var found = (await Stripe.Prices.ListAsync(
            new() { LookupKeys = ["pyresolve_pro"], Active = true }, cancellationToken: Cancellation)).Single();

        product.Metadata["plan"].ShouldBe("pro");
        (found.Id, found.ProductId, found.UnitAmount, found.Currency, found.Active, found.Livemode)
            .ShouldBe((price.Id, "pyresolve_pro", 1900, "usd", true, false));
    }

    [Fact]
    public async Task The_portal_is_configured_and_visited()
    {
        var product = (await Stripe.Prices.GetAsync(_stage.Pro, cancellationToken: Cancellation)).ProductId;
        var configuration = await Stripe.BillingPortal.Configurations.CreateAsync(
            new()
            {
                BusinessProfile = new() { Headline = "PyResolve" },
                DefaultReturnUrl = "http://localhost/",
                Metadata = new() { ["made_by"] = "a test" },
                Features = new()
                {
                    InvoiceHistory = new() { Enabled = true },
                    PaymentMethodUpdate = new() { Enabled = true },
                    SubscriptionCancel = new() { Enabled = true, Mode = "at_period_end" },
                    SubscriptionUpdate = new()
                    {
                        Enabled = true,
                        DefaultAllowedUpdates = ["price"],
                        ProrationBehavior = "always_invoice",
                        Products = [new() { Product = product, Prices = [_stage.Pro] }],
                    },
                },
            },
            cancellationToken: Cancellation);

        var listed = (await Stripe.BillingPortal.Configurations.ListAsync(
            new() { Active = true, Limit = 100 }, cancellationToken: Cancellation))
            .Single(other => other.Id == configuration.Id);
        var visit = await Stripe.BillingPortal.Sessions.CreateAsync(
            new SessionCreateOptions { Customer = _stage.Simulation.AddCustomer(), ReturnUrl = "http://localhost/", Configuration = configuration.Id },
            cancellationToken: Cancellation);

        (listed.Active, listed.IsDefault, listed.Metadata["made_by"]).ShouldBe((true, false, "a test"));
        visit.Url.ShouldStartWith(_stage.Host.Address.ToString());
    }

    [Fact]
    public async Task Webhook_endpoints_are_created_listed_and_changed()
    {
        var created = await Stripe.WebhookEndpoints.CreateAsync(
            new() { Url = "http://localhost/hook", EnabledEvents = ["invoice.paid"], ApiVersion = StripeConfiguration.ApiVersion, Description = "of a test" },
            cancellationToken: Cancellation);
        await Stripe.WebhookEndpoints.UpdateAsync(
            created.Id, new() { EnabledEvents = ["invoice.paid", "customer.deleted"] }, cancellationToken: Cancellation);

        var listed = (await Stripe.WebhookEndpoints.ListAsync(new() { Limit = 100 }, cancellationToken: Cancellation)).Single();

        created.Secret.ShouldStartWith("whsec_");
        (listed.Url, listed.Status, listed.ApiVersion, listed.Secret).ShouldBe(("http://localhost/hook", "enabled", StripeConfiguration.ApiVersion, null));
        listed.EnabledEvents.ShouldBe(["invoice.paid", "customer.deleted"]);
    }

    [Fact]
    public async Task Events_carry_typed_objects_and_are_signed_as_Stripe_net_verifies_it()
    {
        var (receiver, secret) = await _stage.ListenAsync("customer.subscription.created");
        await using var listening = receiver;
        var subscription = _stage.Simulation.Subscribe(_stage.Simulation.AddCustomer(), _stage.Pro);
        await _stage.Simulation.Webhooks.WhenIdleAsync(Cancellation);

        var received = receiver.Received.ShouldHaveSingleItem();
        var verified = EventUtility.ConstructEvent(
            System.Text.Encoding.UTF8.GetString(received.Body), received.Signature, secret, 300,
            _stage.Clock.GetUtcNow().ToUnixTimeSeconds(), throwOnApiVersionMismatch: false);
        var since = new DateRangeOptions { GreaterThanOrEqual = _stage.Simulation.Now.UtcDateTime };
        var listed = (await Stripe.Events.ListAsync(
            new() { Types = ["customer.subscription.created"], Created = since, Limit = 100 }, cancellationToken: Cancellation)).Single();

        verified.Data.Object.ShouldBeOfType<Subscription>().Id.ShouldBe(subscription);
        (listed.Id, listed.Livemode).ShouldBe((verified.Id, false));
    }
}
