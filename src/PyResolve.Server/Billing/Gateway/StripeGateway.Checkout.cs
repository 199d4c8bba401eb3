using System.Globalization;
using Stripe;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>Checkouts, and the pages that ask for a way to pay.</summary>
internal sealed partial class StripeGateway
{
    public Task<StripeCheckoutSession> CreateCheckoutAsync(
        NewCheckout checkout, string idempotencyKey, CancellationToken cancellationToken) => StripeConnection.ReadAsync(
        Api.Checkout.Sessions.CreateAsync(Session(checkout), Under(idempotencyKey), cancellationToken), StripeReading.Checkout);

    public Task TryCheckoutAsync(NewCheckout checkout, CancellationToken cancellationToken) =>
        OpenAndCloseAsync(Session(checkout), cancellationToken);

    private async Task OpenAndCloseAsync(Stripe.Checkout.SessionCreateOptions session, CancellationToken cancellationToken)
    {
        var opened = await StripeConnection.ReadAsync(
            Api.Checkout.Sessions.CreateAsync(session, cancellationToken: cancellationToken), StripeReading.Checkout);
        await ExpireCheckoutAsync(opened.Id, cancellationToken);
    }

    private Stripe.Checkout.SessionCreateOptions Session(NewCheckout checkout)
    {
        var metadata = OfUser(checkout.UserId);
        metadata[NewCheckout.AttemptKey] = checkout.Attempt.ToString(CultureInfo.InvariantCulture);
        var session = SellBy(checkout.Price, checkout.Quantity, checkout.CustomerId);
        session.ClientReferenceId = checkout.UserId.ToString();
        session.SuccessUrl = checkout.SuccessUrl;
        session.CancelUrl = checkout.CancelUrl;
        session.Metadata = metadata;
        session.SubscriptionData = new() { Metadata = OfUser(checkout.UserId), TrialPeriodDays = checkout.TrialDays };
        if (checkout is { TrialDays: not null, TrialNeedsCard: false })
        {
            session.PaymentMethodCollection = "if_required";
            session.SubscriptionData.TrialSettings = new() { EndBehavior = new() { MissingPaymentMethod = "pause" } };
        }

        return session;
    }

    public Task<StripeCheckoutSession> CreateSetupAsync(NewSetup setup, string idempotencyKey, CancellationToken cancellationToken)
    {
        var metadata = OfUser(setup.UserId);
        metadata[NewCheckout.AttemptKey] = setup.Attempt.ToString(CultureInfo.InvariantCulture);
        metadata[StripeCheckoutSession.ResumesKey] = setup.Resumes;
        var session = new Stripe.Checkout.SessionCreateOptions
        {
            Mode = "setup",
            // Which ways to pay there are depends on it.
            Currency = setup.Currency,
            Customer = setup.CustomerId,
            ClientReferenceId = setup.UserId.ToString(),
            SuccessUrl = setup.SuccessUrl,
            CancelUrl = setup.CancelUrl,
            Locale = options.Checkout.Locale,
            Metadata = metadata,
        };
        return StripeConnection.ReadAsync(
            Api.Checkout.Sessions.CreateAsync(session, Under(idempotencyKey), cancellationToken), StripeReading.Checkout);
    }

    public Task<string?> FindSetupPaymentMethodAsync(string sessionId, CancellationToken cancellationToken) => StripeConnection.ReadAsync(
        Api.Checkout.Sessions.GetAsync(sessionId, new() { Expand = ["setup_intent"] }, cancellationToken: cancellationToken),
        static session => session.SetupIntent?.PaymentMethodId);

    public async Task ResumeSubscriptionAsync(
        string id, string customerId, string paymentMethod, string idempotencyKey, CancellationToken cancellationToken)
    {
        // Stripe tries again with it, should the first attempt fail, and the portal shows it. Once: the customer may choose another.
        var paidBy = new CustomerUpdateOptions { InvoiceSettings = new() { DefaultPaymentMethod = paymentMethod } };
        await StripeConnection.ReadAsync(
            Api.Customers.UpdateAsync(customerId, paidBy, Under($"{idempotencyKey}:card"), cancellationToken),
            static changed => changed.Id);
        // By default Stripe resumes before the payment, and what was never paid would count as late. The period begins now by default.
        var resumed = new SubscriptionResumeOptions { PaymentBehavior = "resume_on_payment_success" };
        await StripeConnection.ReadAsync(
            Api.Subscriptions.ResumeAsync(id, resumed, Under(idempotencyKey), cancellationToken), static changed => changed.Id);
    }

    public Task<StripeCheckoutSession?> FindCheckoutAsync(string id, CancellationToken cancellationToken) =>
        FindAsync(Api.Checkout.Sessions.GetAsync(id, cancellationToken: cancellationToken), StripeReading.Checkout);

    public async Task<IReadOnlyList<StripeCheckoutSession>> ListOpenCheckoutsAsync(string customerId, CancellationToken cancellationToken)
    {
        var all = await ListAsync(
            new Stripe.Checkout.SessionListOptions { Customer = customerId },
            list => Api.Checkout.Sessions.ListAsync(list, cancellationToken: cancellationToken),
            StripeReading.Checkout);
        return [.. all.Where(static session => session.Status == StripeCheckoutSession.Open)];
    }

    public Task<IReadOnlyList<StripeCheckoutSession>> ListCompletedCheckoutsAsync(
        string customerId, CancellationToken cancellationToken) => ListAsync(
        new Stripe.Checkout.SessionListOptions { Customer = customerId, Status = StripeCheckoutSession.Complete },
        list => Api.Checkout.Sessions.ListAsync(list, cancellationToken: cancellationToken),
        StripeReading.Checkout);

    public Task ExpireCheckoutAsync(string id, CancellationToken cancellationToken) =>
        StripeConnection.ReadAsync(Api.Checkout.Sessions.ExpireAsync(id, cancellationToken: cancellationToken), StripeReading.Checkout);

    private Stripe.Checkout.SessionCreateOptions SellBy(string price, long? quantity, string? customerId) => new()
    {
        Mode = "subscription",
        Customer = customerId,
        // Stripe Tax needs the customer's address, and a tax id the name of the business, so the page may write them to the customer.
        CustomerUpdate = customerId is not null && (options.Checkout.AutomaticTax || options.Checkout.TaxIds)
            ? new() { Address = "auto", Name = options.Checkout.TaxIds ? "auto" : null }
            : null,
        LineItems = [new() { Price = price, Quantity = quantity }],
        AutomaticTax = options.Checkout.AutomaticTax ? new() { Enabled = true } : null,
        TaxIdCollection = options.Checkout.TaxIds ? new() { Enabled = true } : null,
        AllowPromotionCodes = options.Checkout.PromotionCodes ? true : null,
        ManagedPayments = options.Checkout.ManagedPayments is { } isManaged ? new() { Enabled = isManaged } : null,
        Locale = options.Checkout.Locale,
    };
}
