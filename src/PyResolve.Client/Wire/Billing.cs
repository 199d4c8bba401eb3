namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /billing/checkout</c>.</summary>
public sealed record CheckoutRequest
{
    /// <summary>The plan to buy: <c>pro</c> or <c>unlimited</c>.</summary>
    public string? Plan { get; init; }
}

/// <summary>The answer to <c>POST /billing/checkout</c>.</summary>
/// <param name="CheckoutUrl">The page to pay on, for a browser. The same URL is returned until it is used or expires.</param>
public sealed record CheckoutStarted(string CheckoutUrl);

/// <summary>The answer to <c>GET /billing/portal</c>.</summary>
/// <param name="PortalUrl">The page to change or cancel the subscription on, for a browser; valid for minutes.</param>
public sealed record PortalOpened(string PortalUrl);

/// <summary>The body of <c>GET /billing/subscription</c>.</summary>
/// <param name="Plan">The plan in effect: <c>free</c>, <c>pro</c>, <c>unlimited</c> or <c>enterprise</c>.</param>
/// <param name="Status">Stripe's status, such as <c>active</c> or <c>past_due</c>; <see langword="null"/> without a subscription.</param>
/// <param name="Cancelling">Whether the subscription will end instead of being renewed.</param>
/// <param name="CurrentPeriodEnd">The end of the period that is paid for.</param>
/// <param name="GraceEndsAt">When the plan ends unless a failed payment succeeds; <see langword="null"/> if none has failed.</param>
/// <param name="StripeSubscriptionId">The subscription's id at Stripe.</param>
public sealed record SubscriptionInfo(
    string Plan, string? Status, bool Cancelling, DateTimeOffset? CurrentPeriodEnd, DateTimeOffset? GraceEndsAt,
    string? StripeSubscriptionId);

/// <summary>The answer to <c>POST /webhooks/stripe</c>.</summary>
/// <param name="Status">Always <c>ok</c>: the event is stored.</param>
public sealed record WebhookReceived(string Status);
