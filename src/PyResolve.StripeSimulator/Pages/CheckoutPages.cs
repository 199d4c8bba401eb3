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
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var card = CardChoice.Read(form);
        var page = Answer(http, (state, session) =>
        {
            if (form.ContainsKey("apply"))
                return View(state, session, ApplyCode(state, session, form["code"].ToString()), card);
            if (card is null && form["card"] != "none")
                return View(state, session, "Choose how the card behaves.", card);
            return Checkouts.Pay(state, session, card) is { } refusal
                ? View(state, session, refusal, card)
                : Page.Redirect(Checkouts.SuccessUrl(session));
        });
        await page.WriteAsync(http);
    }

    /// <returns>What is wrong with the code; null where it counts from now on.</returns>
    private static string? ApplyCode(StripeState state, CheckoutSession session, string text)
    {
        if (!session.AllowPromotionCodes || Coupons.FindCode(state, text, session.CustomerId) is not { } code)
            return "This code is invalid.";
        session.Reductions = [new Reduction(code.Coupon, code)];
        return null;
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
                    $"""<p>{Done(session)}</p><p><a class="button" href="{Checkouts.SuccessUrl(session)}">Go back</a></p>""",
                    StatusCodes.Status200OK),
                _ => Page.Message(
                    "This page has expired", $"<p>Nothing was paid. Go back to the shop and start again.</p>", StatusCodes.Status410Gone),
            };
        }
    }

    private static Page View(StripeState state, CheckoutSession session, string? alert, CardBehaviour? card)
    {
        if (session.Mode == "setup")
            return SetupView(session, alert, card);
        var product = DisplayText.ProductOf(state, session.LineItems[0].Price);
        var title = session.Mode == "payment" ? $"Pay for {product}" : $"Subscribe to {product}";
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
            {Reductions(session)}
            {Tax(session)}
            <div class="total"><dt>Due today</dt><dd>{due}</dd></div>
            </dl>
            </section>
            <section class="card">
            <h2>Pay with card</h2>
            {(alert is null ? null : Html.Of($"""<p class="alert" role="alert">{alert}</p>"""))}
            <form method="post">
            {Contact(session)}
            {CardChoice.Fields(card, session.AllowsNoCard)}
            {Code(session)}
            <button>{(session.HasTrial ? "Start trial" : $"Pay {due}")}</button>
            </form>
            </section>
            </div>
            """, alert is null ? StatusCodes.Status200OK : StatusCodes.Status402PaymentRequired);
    }

    private static Page SetupView(CheckoutSession session, string? alert, CardBehaviour? card)
    {
        const string Title = "Save a way to pay";
        return new Page(alert is null ? Title : $"Error: {Title}", $"""
            <section class="card">
            {Back(session)}
            <h1>{Title}</h1>
            <p>Nothing is charged now.</p>
            {(alert is null ? null : Html.Of($"""<p class="alert" role="alert">{alert}</p>"""))}
            <form method="post">
            {Contact(session)}
            {CardChoice.Fields(card, session.AllowsNoCard)}
            <button>Save</button>
            </form>
            </section>
            """, alert is null ? StatusCodes.Status200OK : StatusCodes.Status402PaymentRequired);
    }

    private static Html? Back(CheckoutSession session) => session.CancelUrl is null
        ? null
        : Html.Of($"""<p><a class="back" href="{session.CancelUrl}">Back</a></p>""");

    private static Html? Contact(CheckoutSession session) => session.CustomerEmail is null
        ? null
        : Html.Of($"""<p class="contact"><span>Email</span><strong>{session.CustomerEmail}</strong></p>""");

    private static Html Line(StripeState state, LineItem item) => $"""
        <div>
        <dt>
        {DisplayText.ProductOf(state, item.Price)}{(item.Quantity == 1 ? "" : $" × {item.Quantity}")}
        <small>{DisplayText.PriceOf(item.Price)}</small>
        </dt>
        <dd>{DisplayText.Money(item.Amount, item.Price.Currency)}</dd>
        </div>
        """;

    private static string Done(CheckoutSession session) => session.Mode switch
    {
        "payment" => "This was paid.",
        "setup" => "This way to pay was saved.",
        _ => "This subscription has begun.",
    };

    private static Html Reductions(CheckoutSession session) => Html.Join(session.Reductions.Select(static reduction => Html.Of($"""
        <div>
        <dt>
        {reduction.Code?.Code ?? reduction.Coupon.Name ?? reduction.Coupon.Id}
        <small>{reduction.Coupon.Describe(DisplayText.Money)}</small>
        </dt>
        <dd></dd>
        </div>
        """)));

    private static Html? Tax(CheckoutSession session) => !session.HasAutomaticTax ? null : Html.Of($"""
        <div><dt>Tax<small>{Invoice.TaxPercent}%</small></dt><dd>{DisplayText.Money(session.Tax, session.Currency)}</dd></div>
        """);

    private static Html? Code(CheckoutSession session) => !session.AllowPromotionCodes ? null : Html.Of($"""
        <p class="code">
        <label for="code">Promotion code</label>
        <input id="code" name="code" autocomplete="off">
        <button class="quiet" name="apply" value="1" formnovalidate>Apply</button>
        </p>
        """);

    private static Html? Trial(StripeState state, CheckoutSession session) => !session.HasTrial
        ? null
        : Html.Of($"""
            <div><dt>Free trial<small>until {DisplayText.Day(Checkouts.TrialEnd(session, state.Now)!.Value)}</small></dt><dd></dd></div>
            """);
}
