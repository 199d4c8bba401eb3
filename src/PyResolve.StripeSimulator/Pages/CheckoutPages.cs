using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Pages;

internal static class CheckoutPages
{
    public static void MapCheckoutPages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/c/pay/{id}", static http => ShowAsync(http));
        routes.MapPost("/c/pay/{id}", static http => PayAsync(http));
    }

    private static Task ShowAsync(HttpContext http) =>
        Answer(http, static (state, session) => View(state, session, alert: null, card: null)).WriteAsync(http);

    private static async Task PayAsync(HttpContext http)
    {
        var card = CardChoice.Read(await http.Request.ReadFormAsync(http.RequestAborted));
        var page = Answer(http, (state, session) =>
        {
            if (card is null)
                return View(state, session, "Choose how the card behaves.", card);
            return Checkouts.Pay(state, session, card.Value) is { } refusal
                ? View(state, session, refusal, card)
                : Page.Redirect(Checkouts.SuccessUrl(session));
        });
        await page.WriteAsync(http);
    }

    private static Page Answer(HttpContext http, Func<StripeState, CheckoutSession, Page> answer)
    {
        var state = http.RequestServices.GetRequiredService<StripeState>();
        lock (state.Gate)
        {
            DueChanges.Apply(state);
            if (!state.CheckoutSessions.TryGet((string)http.Request.RouteValues["id"]!, out var session))
                return Page.Message(
                    "No such page", $"<p>The simulator forgets everything when it stops. Go back to the shop and start again.</p>");
            return session.Status switch
            {
                "open" => answer(state, session),
                "complete" => Page.Message(
                    "Already paid",
                    $"""<p>This subscription has begun.</p><p><a class="button" href="{Checkouts.SuccessUrl(session)}">Go back</a></p>""",
                    StatusCodes.Status200OK),
                _ => Page.Message(
                    "This page has expired", $"<p>Nothing was paid. Go back to the shop and start again.</p>", StatusCodes.Status410Gone),
            };
        }
    }

    private static Page View(StripeState state, CheckoutSession session, string? alert, CardBehaviour? card)
    {
        var title = $"Subscribe to {DisplayText.ProductOf(state, session.LineItems[0].Price)}";
        var due = DisplayText.Money(session.DueToday, session.Currency);
        var each = DisplayText.Money(session.LineItems.Sum(static item => item.Amount), session.Currency);
        return new Page(alert is null ? title : $"Error: {title}", $"""
            <div class="columns">
            <section class="summary">
            {Back(session)}
            <h1>{title}</h1>
            <p class="price">{each} <span>{DisplayText.Period(session.LineItems[0].Price)}</span></p>
            <dl>
            {Html.Join(session.LineItems.Select(item => Line(state, item)))}
            {Trial(state, session)}
            <div class="total"><dt>Due today</dt><dd>{due}</dd></div>
            </dl>
            </section>
            <section class="card">
            <h2>Pay with card</h2>
            {(alert is null ? null : Html.Of($"""<p class="alert" role="alert">{alert}</p>"""))}
            <form method="post">
            {Contact(session)}
            {CardChoice.Fields(card)}
            <button>{(session.HasTrial ? "Start trial" : $"Pay {due}")}</button>
            </form>
            </section>
            </div>
            """, alert is null ? StatusCodes.Status200OK : StatusCodes.Status402PaymentRequired);
    }

    private static Html? Back(CheckoutSession session) => session.CancelUrl is null
        ? null
        : Html.Of($"""<p><a class="back" href="{session.CancelUrl}">Back</a></p>""");

    private static Html? Contact(CheckoutSession session) => session.CustomerEmail is null
        ? null
        : Html.Of($"""<p class="contact"><span>E-mail</span><strong>{session.CustomerEmail}</strong></p>""");

    private static Html Line(StripeState state, LineItem item) => $"""
        <div>
        <dt>
        {DisplayText.ProductOf(state, item.Price)}{(item.Quantity == 1 ? "" : $" × {item.Quantity}")}
        <small>{DisplayText.PriceOf(item.Price)}</small>
        </dt>
        <dd>{DisplayText.Money(item.Amount, item.Price.Currency)}</dd>
        </div>
        """;

    private static Html? Trial(StripeState state, CheckoutSession session) => !session.HasTrial
        ? null
        : Html.Of($"""
            <div><dt>Free trial<small>until {DisplayText.Day(Checkouts.TrialEnd(session, state.Now)!.Value)}</small></dt><dd></dd></div>
            """);
}
