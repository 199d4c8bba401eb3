using PyResolve.Client.Wire;
using PyResolve.Server.Accounts;
using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Checkout;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Site;

/// <summary>The invoices of an account, as Stripe has them now.</summary>
/// <param name="Page">null: nothing can be shown, because of the problem or because the server sells nothing.</param>
/// <param name="Status">As Stripe names it; null: every one.</param>
internal sealed record InvoiceTable(InvoicePage? Page, string? Status, bool IsFirstPage, ProblemResult? Problem)
{
    /// <summary>The statuses that people filter by, with what they are called.</summary>
    public static readonly OrderedDictionary<string, string> Statuses = new(StringComparer.Ordinal)
    {
        ["open"] = "To be paid", ["paid"] = "Paid", ["uncollectible"] = "Not paid", ["void"] = "Cancelled",
    };

    public static string AmountOf(InvoiceInfo invoice) => Pricing.Money(invoice.AmountDue, invoice.Currency ?? "usd");

    public static string StatusOf(InvoiceInfo invoice) =>
        invoice.Status is { } status ? Statuses.GetValueOrDefault(status, status) : "–";

    /// <summary>A path from the root.</summary>
    public string LinkTo(string? cursor) => UsageText.Link("app/invoices", ("status", Status), ("cursor", cursor));

    /// <summary>The address, if a browser may be sent to it; else null.</summary>
    public static string? LinkOf(string? address) => address is not null && PageUrls.IsWebAddress(address) ? address : null;
}

internal static class InvoicePages
{
    public static void MapInvoicePages(this IEndpointRouteBuilder pages) => pages.MapGet("/app/invoices", Show);

    private static async Task<IResult> Show(
        HttpContext http, WebSessions web, BillingInvoices invoices, BillingOptions options, BillingLimits limits)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        string? cursor = http.Request.Query["cursor"];
        var status = http.Request.Query["status"] is [{ } asked] && InvoiceTable.Statuses.ContainsKey(asked) ? asked : null;
        InvoicePage? page = null;
        ProblemResult? problem = null;
        if (options.IsConfigured && (problem = limits.Check(caller.UserId)) is null)
        {
            StripePace.ActFor(caller.UserId);
            try
            {
                page = await invoices.ReadAsync(caller.UserId, cursor, http.RequestAborted, status);
            }
            catch (StripeException exception)
            {
                problem = BillingProblems.Report(http, exception);
            }
        }

        var model = new InvoiceTable(page, status, string.IsNullOrEmpty(cursor), problem);
        return SitePages.Page("Invoices", new Site_InvoicesPage { Model = model }, caller, problem);
    }
}
