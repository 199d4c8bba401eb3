namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /billing/checkout</c>.</summary>
public sealed record CheckoutRequest
{
    /// <summary>The plan to buy: one that <c>GET /plans</c> has a price for.</summary>
    public string? Plan { get; init; }

    /// <summary><c>month</c> or <c>year</c>; absent: the plan's first price.</summary>
    public string? Interval { get; init; }

    /// <summary>How many seats; absent: one.</summary>
    public int? Quantity { get; init; }

    /// <summary>Credits to buy in place of a plan, by the name that the server has for them.</summary>
    public string? Credits { get; init; }
}

/// <summary>The body of <c>POST /billing/overage</c>.</summary>
public sealed record OverageRequest
{
    /// <summary>How many migrations beyond its plan the account allows in a month, which are billed afterwards: 0 or more; 0 turns it off.
    /// </summary>
    public long? Cap { get; init; }
}

/// <summary>The answer to <c>POST /billing/checkout</c>.</summary>
/// <param name="CheckoutUrl">The page to pay on, for a browser. The same URL is returned until it is used or expires.</param>
public sealed record CheckoutStarted(string CheckoutUrl);

/// <summary>The answer to <c>GET /billing/portal</c>.</summary>
/// <param name="PortalUrl">The page to change or cancel the subscription on, for a browser; valid for minutes.</param>
public sealed record PortalOpened(string PortalUrl);

/// <summary>The body of <c>GET /billing/subscription</c>.</summary>
/// <param name="Plan">The plan in effect, such as <c>free</c> or <c>pro</c>.</param>
/// <param name="Status">Stripe's status, such as <c>active</c> or <c>past_due</c>; <see langword="null"/> without a subscription.</param>
/// <param name="Cancelling">Whether the subscription will end instead of being renewed.</param>
/// <param name="CurrentPeriodEnd">The end of the period that is paid for; <see langword="null"/> without a subscription.</param>
/// <param name="GraceEndsAt">When the plan ends unless a failed payment succeeds; <see langword="null"/> if none has failed.</param>
/// <param name="StripeSubscriptionId">The subscription's id at Stripe; <see langword="null"/> without a subscription.</param>
public sealed record SubscriptionInfo(
    string Plan, string? Status, bool Cancelling, DateTimeOffset? CurrentPeriodEnd, DateTimeOffset? GraceEndsAt,
    string? StripeSubscriptionId)
{
    /// <summary>How often it is billed: <c>month</c> or <c>year</c>; <see langword="null"/> without a subscription.</summary>
    public string? Interval { get; init; }

    /// <summary>How many are paid for, such as seats; <see langword="null"/> without a subscription, and for a price by use.</summary>
    public long? Quantity { get; init; }

    /// <summary>When the trial ends and the first payment is taken; <see langword="null"/> outside a trial.</summary>
    public DateTimeOffset? TrialEndsAt { get; init; }

    /// <summary>The plan that takes the place of this one at <see cref="ScheduledAt"/>; <see langword="null"/>: none.</summary>
    public string? ScheduledPlan { get; init; }

    /// <summary>When <see cref="ScheduledPlan"/> begins.</summary>
    public DateTimeOffset? ScheduledAt { get; init; }
}

/// <summary>The body of <c>GET /billing/invoices</c>: the account's invoices, newest first.</summary>
/// <param name="Data">At most 50 invoices.</param>
/// <param name="NextCursor">The cursor of the next page; <see langword="null"/> at the end.</param>
public sealed record InvoicePage(IReadOnlyList<InvoiceInfo> Data, string? NextCursor);

/// <summary>An invoice. Amounts are in the currency's minor unit.</summary>
/// <param name="Id">The invoice's id at Stripe.</param>
/// <param name="Number">The number on the invoice.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Status">Stripe's status: <c>open</c>, <c>paid</c>, <c>uncollectible</c> or <c>void</c>.</param>
/// <param name="AmountDue">What is to be paid in all.</param>
/// <param name="AmountPaid">What has been paid.</param>
/// <param name="Currency">Such as <c>usd</c>.</param>
/// <param name="HostedUrl">The page that shows the invoice, and takes its payment while it is open.</param>
/// <param name="PdfUrl">The invoice as a PDF file.</param>
public sealed record InvoiceInfo(
    string Id, string? Number, DateTimeOffset CreatedAt, string? Status, long AmountDue, long AmountPaid, string? Currency,
    string? HostedUrl, string? PdfUrl);

/// <summary>The answer to <c>POST /webhooks/stripe</c>.</summary>
/// <param name="Status">Always <c>ok</c>: the event is stored.</param>
public sealed record WebhookReceived(string Status);
