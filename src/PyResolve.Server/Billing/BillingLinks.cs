using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Billing;

/// <summary>
/// Where Stripe sends people back to. They pass by this server, which then looks at their subscription without waiting for a webhook, and
/// go on to the configured page.
/// </summary>
internal sealed class BillingLinks(BillingOptions options, PublicUrl publicUrl)
{
    public const string WebhooksPath = "/webhooks/stripe";
    public const string Paid = "success";
    public const string Managed = "portal";

    public string Webhooks => $"{publicUrl.Value}{WebhooksPath}";

    /// <summary>Stripe puts the session's id in the place of the braces.</summary>
    public string AfterCheckout(BillingCustomer customer) => $"{Back(customer, Paid)}&session_id={{CHECKOUT_SESSION_ID}}";

    public string AfterPortal(BillingCustomer customer) => Back(customer, Managed);

    public string CheckoutCancelled => options.CancelUrl?.ToString() ?? $"{Page}?canceled=true";

    public string PortalDefault => options.ReturnUrl?.ToString() ?? Page;

    /// <summary>Where somebody who came back goes on to.</summary>
    public string Onward(string? from) => from == Paid
        ? options.SuccessUrl?.ToString() ?? $"{Page}?success=true"
        : PortalDefault;

    private string Page => $"{publicUrl.Value}/billing";

    private string Back(BillingCustomer customer, string from) => $"{Page}/return?customer={customer.ReturnToken}&from={from}";
}
