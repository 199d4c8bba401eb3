using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>The page on which a person subscribes.</summary>
internal static class CheckoutPages
{
    public static void MapCheckoutPages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/c/pay/{id}", static http => ShowAsync(http));
        routes.MapPost("/c/pay/{id}", static http => PayAsync(http));
    }

    private static Task ShowAsync(HttpContext http) => Answer(http, static (world, session) => View(world, session, alert: null, card: null)).WriteAsync(http);

    private static async Task PayAsync(HttpContext http)
    {
        var card = CardChoice.Read(await http.Request.ReadFormAsync(http.RequestAborted));
        var page = Answer(http, (world, session) =>
        {
            if (card is null)
                return View(world, session, "Choose how the card behaves.", card);
            return Checkouts.Pay(world, session, card.Value) is { } refusal
                ? View(world, session, refusal, card)
                : Page.Redirect(Checkouts.SuccessUrl(session));
        });
        await page.WriteAsync(http);
    }

    private static Page Answer(HttpContext http, Func<World, CheckoutSession, Page> answer)
    {
        var world = http.RequestServices.GetRequiredService<World>();
        lock (world.Gate)
        {
            Passage.CatchUp(world);
            if (!world.CheckoutSessions.TryGet((string)http.Request.RouteValues["id"]!, out var session))
                return Page.Gone("No such page", $"<p>The simulator forgets everything when it stops. Go back to the shop and start again.</p>");
            return session.Status switch
            {
                "open" => answer(world, session),
                "complete" => Page.Gone(
                    "Already paid",
                    $"""<p>This subscription has begun.</p><p><a class="button" href="{Checkouts.SuccessUrl(session)}">Go back</a></p>""",
                    StatusCodes.Status200OK),
                _ => Page.Gone("This page has expired", $"<p>Nothing was paid. Go back to the shop and start again.</p>", StatusCodes.Status410Gone),
            };
        }
    }

    private static Page View(World world, CheckoutSession session, string? alert, CardBehaviour? card)
    {
        var title = $"Subscribe to {Texts.ProductOf(world, session.LineItems[0].Price)}";
        var due = Texts.Money(session.DueToday, session.Currency);
        var each = Texts.Money(session.LineItems.Sum(static item => item.Amount), session.Currency);
        return new Page(alert is null ? title : $"Error: {title}", $"""
            <div class="columns">
            <section class="summary">
            {Back(session)}
            <h1>{title}</h1>
            <p class="price">{each} <span>{Texts.Period(session.LineItems[0].Price)}</span></p>
            <dl>
            {Html.Join(session.LineItems.Select(item => Line(world, item)))}
            {Trial(world, session)}
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

    private static Html Line(World world, LineItem item) => $"""
        <div>
        <dt>{Texts.ProductOf(world, item.Price)}{(item.Quantity == 1 ? "" : $" × {item.Quantity}")}<small>{Texts.PriceOf(item.Price)}</small></dt>
        <dd>{Texts.Money(item.Amount, item.Price.Currency)}</dd>
        </div>
        """;

    private static Html? Trial(World world, CheckoutSession session) => !session.HasTrial
        ? null
        : Html.Of($"""<div><dt>Free trial<small>until {Texts.Day(Checkouts.TrialEnd(session, world.Now)!.Value)}</small></dt><dd></dd></div>""");
}
