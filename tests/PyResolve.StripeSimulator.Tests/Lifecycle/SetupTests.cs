using Stripe;
using Stripe.Checkout;

namespace PyResolve.StripeSimulator.Tests.Lifecycle;

/// <summary>A trial without a card pauses; a checkout in setup mode takes a card, with which the subscription is resumed.</summary>
public sealed class SetupTests : IAsyncLifetime
{
    private const string WhenPaid = "resume_on_payment_success";

    private Stage _stage = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_card_is_saved_and_resumes_the_subscription_with_a_new_period()
    {
        var (customer, paused) = await PauseAsync();
        _stage.Simulation.Advance(TimeSpan.FromDays(100));
        await SaveAsync(customer, CardBehaviour.Works);

        var resumed = await ResumeAsync(paused);

        resumed.Status.ShouldBe("active");
        resumed.Items.Data[0].CurrentPeriodEnd.ShouldBe(resumed.Items.Data[0].CurrentPeriodStart.AddMonths(1));
        (await PaidAsync(customer)).ShouldBe([1900, 0]);
    }

    [Fact]
    public async Task A_card_that_is_declined_later_leaves_it_paused_and_another_pays_the_same_invoice()
    {
        var (customer, paused) = await PauseAsync();
        await SaveAsync(customer, CardBehaviour.FailsOnRenewal);
        (await ResumeAsync(paused)).Status.ShouldBe("paused");

        await SaveAsync(customer, CardBehaviour.Works);

        (await ResumeAsync(paused)).Status.ShouldBe("active");
        (await PaidAsync(customer)).ShouldBe([1900, 0]);
    }

    [Fact]
    public async Task A_card_that_is_declined_at_once_is_not_saved()
    {
        var (customer, _) = await PauseAsync();
        var session = await OpenAsync(customer);

        _stage.Simulation.PayCheckout(session.Id, CardBehaviour.Declined).ShouldBeNull();

        var open = await _stage.Stripe.Checkout.Sessions.GetAsync(
            session.Id, new() { Expand = ["setup_intent"] }, cancellationToken: Cancellation);
        (open.Status, open.SetupIntent.Status, open.SetupIntent.PaymentMethodId).ShouldBe(("open", "requires_payment_method", null));
    }

    [Fact]
    public async Task Its_page_says_that_nothing_is_charged()
    {
        var session = await OpenAsync(_stage.Simulation.AddCustomer());
        using var person = new HttpClient();

        (await person.GetStringAsync(new Uri(session.Url), Cancellation)).ShouldContain("Nothing is charged now.");
        _stage.Simulation.PayCheckout(session.Id);

        (await person.GetStringAsync(new Uri(session.Url), Cancellation)).ShouldContain("This way to pay was saved.");
    }

    private async Task<(string Customer, string Paused)> PauseAsync()
    {
        var customer = _stage.Simulation.AddCustomer(card: null);
        var session = await _stage.Stripe.Checkout.Sessions.CreateAsync(
            new()
            {
                Mode = "subscription",
                Customer = customer,
                LineItems = [new() { Price = _stage.Pro, Quantity = 1 }],
                PaymentMethodCollection = "if_required",
                SubscriptionData = new()
                {
                    TrialPeriodDays = 14, TrialSettings = new() { EndBehavior = new() { MissingPaymentMethod = "pause" } },
                },
                SuccessUrl = "http://localhost/ok",
            },
            cancellationToken: Cancellation);
        _stage.Simulation.PayCheckout(session.Id, card: null).ShouldNotBeNull();
        _stage.Simulation.Advance(TimeSpan.FromDays(15));
        var id = _stage.Simulation.SubscriptionsOf(customer).Single();
        _stage.Simulation.Subscription(id).Status.ShouldBe("paused");
        return (customer, id);
    }

    private Task<Session> OpenAsync(string customer) => _stage.Stripe.Checkout.Sessions.CreateAsync(
        new() { Mode = "setup", Customer = customer, Currency = "usd", SuccessUrl = "http://localhost/ok" },
        cancellationToken: Cancellation);

    private async Task SaveAsync(string customer, CardBehaviour card)
    {
        var session = await OpenAsync(customer);
        _stage.Simulation.PayCheckout(session.Id, card).ShouldNotBeNull();
        var saved = await _stage.Stripe.Checkout.Sessions.GetAsync(
            session.Id, new() { Expand = ["setup_intent"] }, cancellationToken: Cancellation);
        await _stage.Stripe.Customers.UpdateAsync(
            customer,
            new() { InvoiceSettings = new() { DefaultPaymentMethod = saved.SetupIntent.PaymentMethodId } },
            cancellationToken: Cancellation);
    }

    private Task<Subscription> ResumeAsync(string id) => _stage.Stripe.Subscriptions.ResumeAsync(
        id, new() { PaymentBehavior = WhenPaid }, cancellationToken: Cancellation);

    /// <summary>Newest first. A trial has an invoice of nothing.</summary>
    private async Task<IEnumerable<long>> PaidAsync(string customer) =>
        (await _stage.Stripe.Invoices.ListAsync(new() { Customer = customer }, cancellationToken: Cancellation))
        .Select(static invoice => invoice.AmountPaid);
}
