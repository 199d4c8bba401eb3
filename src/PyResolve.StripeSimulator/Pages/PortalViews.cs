using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>The portal's pages.</summary>
internal static class PortalViews
{
    public static Page Home(PortalVisit visit) => new("Billing", $"""
        <div class="narrow">
        {Return(visit)}
        <h1>Billing</h1>
        {(visit.Subscriptions.Count == 0 ? Html.Of($"""<section class="card"><p>There is no subscription.</p></section>""") : null)}
        {Html.Join(visit.Subscriptions.Select(subscription => Plan(visit, subscription)))}
        <section class="card">
        <h2>Payment method</h2>
        <p>{CardChoice.NameOf(visit.Customer.Card)}</p>
        {(visit.Features.CanUpdatePaymentMethod ? Link(visit.Path("card"), "Update payment method") : null)}
        </section>
        {Invoices(visit)}
        </div>
        """);

    public static Page Plan(PortalVisit visit, string? alert)
    {
        if (visit.Subscription is not { } subscription)
            return Home(visit);
        var prices = visit.PricesFor(subscription).ToList();
        return Step(visit, "Switch plan", alert, $"""
            <p>Now: <strong>{NameOf(visit, subscription)}</strong>, {Texts.PriceOf(subscription.Items[0].Price)}.</p>
            <form method="post" action="{visit.Path("plan", subscription)}">
            <fieldset>
            <legend>New plan</legend>
            {Html.Join(prices.Select((price, index) => Option(visit, price, IsChosen(visit, price, index))))}
            </fieldset>
            {(prices.Count == 0 ? Html.Of($"<p>There is no other plan.</p>") : Html.Of($"<button>Switch plan</button>"))}
            </form>
            """);
    }

    public static Page Cancel(PortalVisit visit) => visit.Subscription is not { } subscription
        ? Home(visit)
        : Step(visit, "Cancel plan", alert: null, $"""
            <p>{(visit.Features.CancelMode == "immediately" ? "It ends at once." : $"It stays until {Texts.Day(subscription.PeriodEnd)}, and then ends.")}</p>
            <form method="post" action="{visit.Path("cancel", subscription)}">
            <button class="danger">Cancel plan</button>
            </form>
            """);

    public static Page Card(PortalVisit visit, string? alert) => Step(visit, "Update payment method", alert, $"""
        <p>What is owed is tried with it at once.</p>
        <form method="post" action="{visit.Path("card")}">
        {CardChoice.Fields(visit.Customer.Card)}
        <button>Save card</button>
        </form>
        """);

    private static Page Step(PortalVisit visit, string title, string? alert, Html body) => new(alert is null ? title : $"Error: {title}", $"""
        <div class="narrow card">
        <p><a class="back" href="{visit.Path()}">Billing</a></p>
        <h1>{title}</h1>
        {(alert is null ? null : Html.Of($"""<p class="alert" role="alert">{alert}</p>"""))}
        {body}
        </div>
        """, alert is null ? StatusCodes.Status200OK : StatusCodes.Status402PaymentRequired);

    private static Html Plan(PortalVisit visit, Subscription subscription)
    {
        var isEnding = subscription.CancelAtPeriodEnd || subscription.CancelAt is not null;
        return $"""
            <section class="card">
            <h2>Current plan</h2>
            <p class="plan"><strong>{NameOf(visit, subscription)}</strong><span class="status">{Texts.Status(subscription)}</span></p>
            <p>{Texts.PriceOf(subscription.Items[0].Price)}. {Texts.Future(subscription)}</p>
            <div class="actions">
            {(visit.Features.CanSwitch ? Link(visit.Path("plan", subscription), "Switch plan") : null)}
            {(!visit.Features.CanCancel ? null : isEnding ? Resume(visit, subscription) : Link(visit.Path("cancel", subscription), "Cancel plan"))}
            </div>
            </section>
            """;
    }

    private static Html Resume(PortalVisit visit, Subscription subscription) => $"""
        <form class="inline" method="post" action="{visit.Path("resume", subscription)}"><button class="quiet">Keep plan</button></form>
        """;

    private static Html? Invoices(PortalVisit visit)
    {
        var invoices = visit.World.Invoices.NewestFirst.Where(invoice => invoice.CustomerId == visit.Customer.Id && invoice.Total > 0).Take(6).ToList();
        return !visit.Features.CanSeeInvoices || invoices.Count == 0 ? null : Html.Of($"""
            <section class="card">
            <h2>Invoices</h2>
            <table>
            <thead><tr><th scope="col">Date</th><th scope="col">Amount</th><th scope="col">Status</th></tr></thead>
            <tbody>
            {Html.Join(invoices.Select(Row))}
            </tbody>
            </table>
            </section>
            """);
    }

    private static Html Row(Invoice invoice) => $"""
        <tr><td>{Texts.Day(invoice.Created)}</td><td>{Texts.Money(invoice.Total, invoice.Currency)}</td><td>{invoice.Status}</td></tr>
        """;

    private static bool IsChosen(PortalVisit visit, Price price, int index) =>
        visit.Session.Flow?.PriceId is { } wanted ? price.Id == wanted : index == 0;

    private static Html Option(PortalVisit visit, Price price, bool isChosen) => $"""
        <label class="option"><input type="radio" name="price" value="{price.Id}" required{Html.If(isChosen, " checked")}>
        <span><strong>{Texts.ProductOf(visit.World, price)}</strong><small>{Texts.PriceOf(price)}</small></span></label>
        """;

    private static Html Link(string path, string text) => $"""<a class="button quiet" href="{path}">{text}</a>""";

    private static Html? Return(PortalVisit visit) => visit.Session.ReturnUrl is not { } url
        ? null
        : Html.Of($"""<p><a class="back" href="{url}">Return</a></p>""");

    private static string NameOf(PortalVisit visit, Subscription subscription) => Texts.ProductOf(visit.World, subscription.Items[0].Price);
}
