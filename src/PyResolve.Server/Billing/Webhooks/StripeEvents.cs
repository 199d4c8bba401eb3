namespace PyResolve.Server.Billing.Webhooks;

internal static class StripeEvents
{
    public const string Refund = "charge.refunded";

    /// <summary>The types that the webhook endpoint receives and reconciliation lists, which Stripe limits to 20.</summary>
    public static IReadOnlyList<string> Subscribed { get; } =
    [
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        Refund,
        "checkout.session.async_payment_failed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.completed",
        "checkout.session.expired",
        "customer.deleted",
        "customer.subscription.created",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.pending_update_applied",
        "customer.subscription.pending_update_expired",
        "customer.subscription.resumed",
        "customer.subscription.updated",
        "invoice.paid",
        "invoice.payment_action_required",
        "invoice.payment_failed",
    ];

    public static bool ChangesSubscriptions(string type) =>
        type is "customer.deleted" or "invoice.paid"
        || type.StartsWith("customer.subscription.", StringComparison.Ordinal)
        || type.StartsWith("checkout.session.", StringComparison.Ordinal)
        || type.StartsWith("invoice.payment_", StringComparison.Ordinal);

    /// <summary>
    /// Whether an operator should review the event: neither Stripe nor, unless configured, the server ends the subscription.
    /// </summary>
    public static bool NeedsReview(string type) => IsOfDispute(type) || type == Refund || IsOfRefusedUsage(type);

    /// <summary>
    /// Whether Stripe took reports of usage, and refused them later: they are not billed. It says so by thin events alone.
    /// </summary>
    public static bool IsOfRefusedUsage(string type) =>
        NameOf(type) is "billing.meter.error_report_triggered" or "billing.meter.no_meter_found";

    /// <summary>The type of an event without the API's version, which that of a thin event has in front.</summary>
    public static string NameOf(string type) => type.StartsWith("v1.", StringComparison.Ordinal) ? type["v1.".Length..] : type;

    public static bool IsOfDispute(string type) =>
        type is "charge.dispute.created" or "charge.dispute.updated" or "charge.dispute.funds_withdrawn" or "charge.dispute.closed";

    /// <summary>Whether an event is stored under an object whose customer has to be asked for.</summary>
    public static bool IsReference(string id) => IsCharge(id) || IsSubscription(id) || IsInvoice(id) || IsCheckout(id);

    public static bool IsCharge(string id) =>
        id.StartsWith("ch_", StringComparison.Ordinal) || id.StartsWith("py_", StringComparison.Ordinal);

    public static bool IsSubscription(string id) => id.StartsWith("sub_", StringComparison.Ordinal);

    public static bool IsInvoice(string id) => id.StartsWith("in_", StringComparison.Ordinal);

    public static bool IsCheckout(string id) => id.StartsWith("cs_", StringComparison.Ordinal);
}
