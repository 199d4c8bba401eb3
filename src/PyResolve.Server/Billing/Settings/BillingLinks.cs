using PyResolve.Client;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Billing.Settings;

/// <summary>
/// The addresses that Stripe returns people to. They are on this server, which syncs without waiting for a webhook and redirects to the
/// configured page.
/// </summary>
internal sealed class BillingLinks(BillingOptions options, PublicUrl publicUrl)
{
    public const string WebhooksPath = "/webhooks/stripe";
    public const string Paid = "success";
    public const string Managed = "portal";
    public const string Credits = "credits";

    public string Webhooks => $"{publicUrl.Value}{WebhooksPath}";

    /// <summary>Whether Stripe can send events here. A simulator is on this machine too.</summary>
    public bool IsReachable => Loopback.Is(options.ApiBase) || !Loopback.Is(new Uri(publicUrl.Value));

    /// <summary>The command by which Stripe's own command line brings events to this machine all the same.</summary>
    public string Forwarding => $"stripe listen --forward-to {new Uri(publicUrl.Value).Authority}{WebhooksPath}";

    // Stripe replaces the braces by the session's id.
    public string AfterCheckout(string returnToken) => $"{Back(returnToken, Paid)}&session_id={{CHECKOUT_SESSION_ID}}";

    public string AfterCredits(string returnToken) => $"{Back(returnToken, Credits)}&session_id={{CHECKOUT_SESSION_ID}}";

    public string AfterPortal(string returnToken) => Back(returnToken, Managed);

    public string CheckoutCancelled => options.CancelUrl?.ToString() ?? $"{Page}?canceled=true";

    public string PortalDefault => options.ReturnUrl?.ToString() ?? Page;

    public string AfterReturn(string? from) => from switch
    {
        Paid => options.SuccessUrl?.ToString() ?? $"{Page}?success=true",
        Credits => options.SuccessUrl?.ToString() ?? $"{Page}?success={Credits}",
        _ => options.ReturnUrl?.ToString() ?? $"{Page}?managed=true",
    };

    private string Page => $"{publicUrl.Value}/billing";

    private string Back(string returnToken, string from) => $"{Page}/return?customer={returnToken}&from={from}";
}
