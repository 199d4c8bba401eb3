using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Pages;

internal static class InvoicePages
{
    public static void MapInvoicePages(this IEndpointRouteBuilder routes) => routes.MapGet("/i/{id}", ShowAsync);

    private static Task ShowAsync(HttpContext http)
    {
        var state = http.RequestServices.GetRequiredService<StripeState>();
        Page page;
        lock (state.Gate)
        {
            DueChanges.Apply(state);
            page = state.Invoices.TryGet((string)http.Request.RouteValues["id"]!, out var invoice)
                ? View(invoice)
                : Page.Message("No such invoice", $"<p>The simulator forgets everything when it stops.</p>");
        }

        return page.WriteAsync(http);
    }

    private static Page View(Invoice invoice) => new($"Invoice {invoice.Number}", $"""
        <div class="narrow card">
        <h1>Invoice {invoice.Number}</h1>
        <p>{DisplayText.Day(invoice.Created)}: <strong>{DisplayText.Money(invoice.Total, invoice.Currency)}</strong>, {invoice.Status}.</p>
        </div>
        """);
}
