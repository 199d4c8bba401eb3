namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /billing/checkout</c>.</summary>
public sealed record CheckoutRequest
{
    /// <summary><c>pro</c> or <c>unlimited</c>.</summary>
    public string? Plan { get; init; }
}

/// <summary>The answer to <c>POST /billing/checkout</c>.</summary>
/// <param name="CheckoutUrl">Where to pay, in a browser. The same again until it is used or expires.</param>
public sealed record CheckoutStarted(string CheckoutUrl);

/// <summary>The answer to <c>GET /billing/portal</c>.</summary>
/// <param name="PortalUrl">Where to change or cancel the subscription, in a browser; good for minutes.</param>
public sealed record PortalOpened(string PortalUrl);

/// <summary>The body of <c>GET /billing/subscription</c>.</summary>
/// <param name="Plan">The plan that counts now: <c>free</c>, <c>pro</c>, <c>unlimited</c> or <c>enterprise</c>.</param>
/// <param name="Status">Stripe's word for the subscription, such as <c>active</c> or <c>past_due</c>; <see langword="null"/> where there never was one.</param>
/// <param name="Cancelling">Whether the subscription will end instead of being renewed.</param>
/// <param name="CurrentPeriodEnd">What was paid for lasts until then.</param>
/// <param name="GraceEndsAt">When the plan ends unless the payment that failed is made good; <see langword="null"/> while nothing is due.</param>
/// <param name="StripeSubscriptionId">The subscription at Stripe.</param>
public sealed record SubscriptionInfo(
    string Plan,
    string? Status,
    bool Cancelling,
    DateTimeOffset? CurrentPeriodEnd,
    DateTimeOffset? GraceEndsAt,
    string? StripeSubscriptionId);

/// <summary>The answer to <c>POST /webhooks/stripe</c>.</summary>
/// <param name="Status">Always <c>ok</c>: the event is stored.</param>
public sealed record WebhookReceived(string Status);
