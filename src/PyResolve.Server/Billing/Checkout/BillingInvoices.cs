using System.Text.RegularExpressions;
using PyResolve.Client.Wire;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Http;

namespace PyResolve.Server.Billing.Checkout;

/// <summary>An account's invoices, read from Stripe: nothing of them is stored here.</summary>
internal sealed partial class BillingInvoices(IStripeGateway stripe, BillingCustomers customers, BillingOptions options)
{
    public const int PageSize = 50;

    /// <summary>
    /// Reads invoices, newest first, without drafts, whose amounts may still change. An account without a customer has none.
    /// </summary>
    /// <param name="userId">The account.</param>
    /// <param name="cursor">The last invoice of the page before; null or empty: the first page.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <param name="status">As Stripe names it; null: every one.</param>
    /// <returns>null: no Stripe is configured to ask.</returns>
    /// <exception cref="ProblemException">422: the cursor is not valid.</exception>
    /// <exception cref="StripeException">Stripe does not answer.</exception>
    public async Task<InvoicePage?> ReadAsync(
        Guid userId, string? cursor, CancellationToken cancellationToken, string? status = null)
    {
        var after = string.IsNullOrEmpty(cursor) ? null : cursor;
        if (after is not null && !InvoiceId().IsMatch(after))
            ThrowUnknownCursor();
        if (!options.IsConfigured)
            return null;
        if (await customers.FindLinkedAsync(userId, cancellationToken) is not { } customer)
            return new InvoicePage([], NextCursor: null);
        var found = await stripe.ListInvoicesAsync(customer.Id, status, after, PageSize, cancellationToken);
        if (found is null && after is not null)
            ThrowUnknownCursor();
        if (found is not { Data: [.., var last] })
            return new InvoicePage([], NextCursor: null);
        return new InvoicePage(
            [.. found.Data.Where(static invoice => invoice.Status != "draft").Select(Describe)], found.HasMore ? last.Id : null);
    }

    private static InvoiceInfo Describe(StripeInvoice invoice) => new(
        invoice.Id, invoice.Number, invoice.Created ?? DateTimeOffset.UnixEpoch, invoice.Status, invoice.AmountDue, invoice.AmountPaid,
        invoice.Currency, invoice.HostedUrl, invoice.PdfUrl);

    private static void ThrowUnknownCursor()
    {
        var errors = new FieldErrors();
        errors.Add("cursor", ProblemTexts.InvoiceCursorUnknown);
        errors.ThrowIfAny();
    }

    [GeneratedRegex("^in_[A-Za-z0-9_]{1,250}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex InvoiceId();
}
