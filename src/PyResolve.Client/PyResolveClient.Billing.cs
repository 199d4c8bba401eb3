using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>POST /billing/checkout</c>: opens the page to buy a plan.</summary>
    /// <param name="plan">A plan that <see cref="GetPlansAsync"/> has a price for.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="PyResolveException"><see cref="ProblemCodes.AlreadySubscribed"/>: the account has a subscription.</exception>
    public Task<CheckoutStarted> StartCheckoutAsync(string plan, CancellationToken cancellationToken = default) =>
        StartCheckoutAsync(new CheckoutRequest { Plan = Guard.NotNull(plan) }, cancellationToken);

    /// <summary><c>POST /billing/checkout</c>: opens the page to buy a plan.</summary>
    /// <param name="request">The plan, and by which price and for how many seats.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="PyResolveException"><see cref="ProblemCodes.AlreadySubscribed"/>: the account has a subscription.</exception>
    public Task<CheckoutStarted> StartCheckoutAsync(CheckoutRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Post("/billing/checkout").With(Guard.NotNull(request), WireJson.Requests.CheckoutRequest),
            WireJson.Default.CheckoutStarted, static started => started.CheckoutUrl is not null, cancellationToken);

    /// <summary><c>POST /billing/overage</c>: sets how many migrations beyond its plan the account allows in a month.</summary>
    /// <param name="cap">Migrations a month, from 0 to the plan's own maximum, which is at most 1,000,000; 0 turns overage off.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The quota with the new cap.</returns>
    public Task<QuotaSnapshot> SetOverageCapAsync(long cap, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Post("/billing/overage").With(new OverageRequest { Cap = cap }, WireJson.Requests.OverageRequest),
            WireJson.Default.QuotaSnapshot, static quota => quota.Plan is not null, cancellationToken);

    /// <summary><c>GET /billing/portal</c>: opens the page to manage a subscription.</summary>
    /// <exception cref="PyResolveException"><see cref="ProblemCodes.NoBillingAccount"/>: the account never started a checkout.</exception>
    public Task<PortalOpened> OpenPortalAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/billing/portal"),
            WireJson.Default.PortalOpened, static opened => opened.PortalUrl is not null, cancellationToken);

    /// <summary><c>GET /billing/subscription</c>: the account's subscription.</summary>
    public Task<SubscriptionInfo> GetSubscriptionAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/billing/subscription"),
            WireJson.Default.SubscriptionInfo, static subscription => subscription.Plan is not null, cancellationToken);

    /// <summary><c>GET /billing/invoices</c>: a page of the account's invoices, newest first.</summary>
    /// <param name="cursor">The <see cref="InvoicePage.NextCursor"/> of the previous page; default the first page.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<InvoicePage> ListInvoicesAsync(string? cursor = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/billing/invoices" + Query(("cursor", cursor))),
            WireJson.Default.InvoicePage, static page => page.Data is not null, cancellationToken);
}
