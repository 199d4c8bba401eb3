using PyResolve.Server.Hosting;

namespace PyResolve.Server.Billing.Settings;

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
    public string AfterCheckout(string returnToken) => $"{Back(returnToken, Paid)}&session_id={{CHECKOUT_SESSION_ID}}";

    public string AfterPortal(string returnToken) => Back(returnToken, Managed);

    public string CheckoutCancelled => options.CancelUrl?.ToString() ?? $"{Page}?canceled=true";

    public string PortalDefault => options.ReturnUrl?.ToString() ?? Page;

    /// <summary>Where somebody who came back goes on to.</summary>
    public string AfterReturn(string? from) => from == Paid
        ? options.SuccessUrl?.ToString() ?? $"{Page}?success=true"
        : PortalDefault;

    private string Page => $"{publicUrl.Value}/billing";

    private string Back(string returnToken, string from) => $"{Page}/return?customer={returnToken}&from={from}";
}
