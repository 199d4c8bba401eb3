using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>POST /billing/checkout</c>: opens the page on which a plan is bought. Who is subscribed already is refused with <c>already_subscribed</c>.</summary>
    /// <param name="plan"><c>pro</c> or <c>unlimited</c>.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<CheckoutStarted> StartCheckoutAsync(string plan, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Post("/billing/checkout").With(new() { Plan = Guard.NotNull(plan) }, WireJson.Requests.CheckoutRequest),
            WireJson.Default.CheckoutStarted, static started => started.CheckoutUrl is not null, cancellationToken);

    /// <summary><c>GET /billing/portal</c>: opens the page on which a subscription is changed, paid or cancelled. Who never subscribed is refused.</summary>
    public Task<PortalOpened> OpenPortalAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(ApiRequest.Get("/billing/portal"), WireJson.Default.PortalOpened, static opened => opened.PortalUrl is not null, cancellationToken);

    /// <summary><c>GET /billing/subscription</c>: what the account is subscribed to, and until when.</summary>
    public Task<SubscriptionInfo> GetSubscriptionAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/billing/subscription"), WireJson.Default.SubscriptionInfo, static subscription => subscription.Plan is not null, cancellationToken);
}
