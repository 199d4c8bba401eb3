using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Pages;

internal static class PortalViews
{
    public static Page Home(PortalContext portal) => new("Billing", $"""
        <div class="narrow">
        {Return(portal)}
        <h1>Billing</h1>
        {(portal.Subscriptions.Count == 0 ? Html.Of($"""<section class="card"><p>There is no subscription.</p></section>""") : null)}
        {Html.Join(portal.Subscriptions.Select(subscription => Plan(portal, subscription)))}
        <section class="card">
        <h2>Payment method</h2>
        <p>{CardChoice.NameOf(portal.Customer.Card)}</p>
        {(portal.Features.CanUpdatePaymentMethod ? Link(portal.Path("card"), "Update payment method") : null)}
        </section>
        {Invoices(portal)}
        </div>
        """);

    public static Page Plan(PortalContext portal, string? alert)
    {
        if (portal.Subscription is not { } subscription)
            return Home(portal);
        if (!portal.CanSwitch(subscription))
            return Refusal(portal);
        var prices = portal.PricesFor(subscription).ToList();
        return Step(portal, "Switch plan", alert, $"""
            <p>Now: <strong>{NameOf(portal, subscription)}</strong>, {DisplayText.PriceOf(subscription.Items[0].Price)}.</p>
            <form method="post" action="{portal.Path("plan", subscription)}">
            <fieldset>
            <legend>New plan</legend>
            {Html.Join(prices.Select((price, index) => Option(portal, price, IsChosen(portal, price, index))))}
            </fieldset>
            {(prices.Exists(price => portal.Features.SeatsOf(price.Id) is not null) ? Seats(portal, subscription) : null)}
            {(prices.Count == 0 ? Html.Of($"<p>There is no other plan.</p>") : Html.Of($"<button>Switch plan</button>"))}
            </form>
            """);
    }

    public static Page Refusal(PortalContext portal) => Page.Message(
        "Not allowed here", $"""<p>This portal does not allow that.</p><p><a class="button" href="{portal.Path()}">Back</a></p>""");

    public static Page Cancel(PortalContext portal) => portal.Subscription is not { } subscription
        ? Home(portal)
        : Step(portal, "Cancel plan", alert: null, $"""
            <p>It ends {(portal.Features.CancelMode == "immediately" ? "now" : $"on {DisplayText.Day(subscription.PeriodEnd)}")}.</p>
            <form method="post" action="{portal.Path("cancel", subscription)}">
            {(portal.Features.AsksCancelReason ? Reasons(portal.Features) : null)}
            <button class="danger">Cancel plan</button>
            </form>
            """);

    public static Page Card(PortalContext portal, string? alert) => Step(portal, "Update payment method", alert, $"""
        <p>Open invoices are charged to it at once.</p>
        <form method="post" action="{portal.Path("card")}">
        {CardChoice.Fields(portal.Customer.Card)}
        <button>Save card</button>
        </form>
        """);

    private static Page Step(PortalContext portal, string title, string? alert, Html body) => new(Title(title, alert), $"""
        <div class="narrow card">
        <p><a class="back" href="{portal.Path()}">Billing</a></p>
        <h1>{title}</h1>
        {(alert is null ? null : Html.Of($"""<p class="alert" role="alert">{alert}</p>"""))}
        {body}
        </div>
        """, alert is null ? StatusCodes.Status200OK : StatusCodes.Status402PaymentRequired);

    private static string Title(string title, string? alert) => alert is null ? title : $"Error: {title}";

    private static Html CancelLink(PortalContext portal, Subscription subscription) =>
        Link(portal.Path("cancel", subscription), "Cancel plan");

    private static Html Plan(PortalContext portal, Subscription subscription)
    {
        var isEnding = subscription.CancelAtPeriodEnd || subscription.CancelAt is not null;
        return $"""
            <section class="card">
            <h2>Current plan</h2>
            <p class="plan">
            <strong>{NameOf(portal, subscription)}</strong><span class="status">{DisplayText.Status(subscription)}</span>
            </p>
            <p>{DisplayText.PriceOf(subscription.Items[0].Price)}. {DisplayText.Future(subscription)}</p>
            {Scheduled(portal, subscription)}
            <div class="actions">
            {Keep(portal, subscription)}
            {(portal.CanSwitch(subscription) ? Link(portal.Path("plan", subscription), "Switch plan") : null)}
            {(!portal.Features.CanCancel ? null : isEnding ? Resume(portal, subscription) : CancelLink(portal, subscription))}
            </div>
            </section>
            """;
    }

    private static Html? Scheduled(PortalContext portal, Subscription subscription) =>
        Schedules.Find(portal.State, subscription) is not { Next: var next } ? null : Html.Of($"""
            <p>Changes to <strong>{DisplayText.ProductOf(portal.State, next.Price)}{Times(next.Quantity)}</strong>,
            {DisplayText.PriceOf(next.Price)}, on {DisplayText.Day(next.Start)}.</p>
            """);

    private static Html? Keep(PortalContext portal, Subscription subscription) =>
        Schedules.Find(portal.State, subscription) is not { Next: not null } ? null : Html.Of($"""
            <form class="inline" method="post" action="{portal.Path("keep", subscription)}">
            <button class="quiet">Keep {NameOf(portal, subscription)}</button>
            </form>
            """);

    private static Html Resume(PortalContext portal, Subscription subscription) => $"""
        <form class="inline" method="post" action="{portal.Path("resume", subscription)}"><button class="quiet">Keep plan</button></form>
        """;

    private static Html? Invoices(PortalContext portal)
    {
        var invoices = portal.State.Invoices.NewestFirst.Where(invoice => invoice.CustomerId == portal.Customer.Id
            && invoice.Total > 0).Take(6).ToList();
        return !portal.Features.CanSeeInvoices || invoices.Count == 0 ? null : Html.Of($"""
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
        <tr>
        <td>{DisplayText.Day(invoice.Created)}</td><td>{DisplayText.Money(invoice.Total, invoice.Currency)}</td><td>{invoice.Status}</td>
        </tr>
        """;

    private static bool IsChosen(PortalContext portal, Price price, int index) =>
        portal.Session.Flow?.PriceId is { } wanted ? price.Id == wanted : index == 0;

    private static Html Option(PortalContext portal, Price price, bool isChosen) => $"""
        <label class="option"><input type="radio" name="price" value="{price.Id}" required{Html.If(isChosen, " checked")}>
        <span><strong>{DisplayText.ProductOf(portal.State, price)}</strong><small>{DisplayText.PriceOf(price)}</small></span></label>
        """;

    private static Html Link(string path, string text) => $"""<a class="button quiet" href="{path}">{text}</a>""";

    private static Html? Return(PortalContext portal) => portal.Session.ReturnUrl is not { } url
        ? null
        : Html.Of($"""<p><a class="back" href="{url}">Return</a></p>""");

    private static Html Reasons(PortalFeatures features) => $"""
        <p class="code">
        <label for="feedback">Reason</label>
        <select id="feedback" name="feedback">
        <option value="">None</option>
        {Html.Join(features.CancelReasons.Select(static reason => Html.Of($"""
            <option value="{reason}">{reason.Replace('_', ' ')}</option>
            """)))}
        </select>
        </p>
        """;

    private static Html Seats(PortalContext portal, Subscription subscription)
    {
        var seats = DisplayText.Number(portal.Session.Flow?.Quantity ?? subscription.Items[0].Quantity);
        return $"""
            <p class="code">
            <label for="quantity">Seats</label>
            <input id="quantity" name="quantity" type="number" min="1" value="{seats}" required>
            </p>
            """;
    }

    private static string NameOf(PortalContext portal, Subscription subscription) =>
        DisplayText.ProductOf(portal.State, subscription.Items[0].Price) + Times(subscription.Items[0].Quantity);

    private static string Times(long quantity) => quantity == 1 ? "" : $" × {DisplayText.Number(quantity)}";
}
