namespace PyResolve.Server.Billing.Webhooks;

/// <summary>The events that matter here.</summary>
internal static class StripeEvents
{
    /// <summary>What <c>stripe setup</c> subscribes to and reconciliation asks for; Stripe takes at most 20 in one question.</summary>
    public static IReadOnlyList<string> Subscribed { get; } =
    [
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.refunded",
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

    /// <summary>Whether a customer's subscriptions may have changed.</summary>
    public static bool ChangesSubscriptions(string type) =>
        type is "customer.deleted" or "invoice.paid"
        || type.StartsWith("customer.subscription.", StringComparison.Ordinal)
        || type.StartsWith("checkout.session.", StringComparison.Ordinal)
        || type.StartsWith("invoice.payment_", StringComparison.Ordinal);

    /// <summary>Stripe leaves the subscription alone, and so do we unless told otherwise: somebody should look.</summary>
    public static bool NeedsReview(string type) => IsOfDispute(type) || type == "charge.refunded";

    public static bool IsOfDispute(string type) =>
        type is "charge.dispute.created" or "charge.dispute.updated" or "charge.dispute.funds_withdrawn" or "charge.dispute.closed";

    /// <summary>What a dispute names in the place of a customer.</summary>
    public static bool IsCharge(string id) => id.StartsWith("ch_", StringComparison.Ordinal) || id.StartsWith("py_", StringComparison.Ordinal);
}
