using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;
using static PyResolve.StripeSimulator.Pages.CommandForms;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>Buttons for what the simulator's commands can do, and the latest events.</summary>
internal static class HomePage
{
    private const int DeliveriesShown = 20;
    private const int EventsShown = 15;
    private const int PaymentsShown = 20;

    public static void MapHomePage(this IEndpointRouteBuilder routes) => routes.MapGet("/", static http =>
    {
        var state = http.RequestServices.GetRequiredService<StripeState>();
        Page page;
        lock (state.Gate)
        {
            DueChanges.Apply(state);
            page = View(state);
        }

        return page.WriteAsync(http);
    });

    private static Page View(StripeState state) => new("Controls", $"""
        <h1>Controls</h1>
        <section class="card">
        <h2>{DisplayText.Day(state.Now)}</h2>
        <div class="actions">
        {Button("clock/advance", "A day passes", ("days", "1"))}
        {Button("clock/advance", "A week passes", ("days", "7"))}
        {Button("clock/advance", "A month passes", ("months", "1"))}
        </div>
        <p class="note">This is Stripe's clock alone: renewals, trials, retries. The server's own clock goes on as it is, and grace periods
        run by it: a month here does not end them.</p>
        </section>
        <section class="card">
        <h2>Subscriptions</h2>
        {SubscriptionViews.List(state)}
        </section>
        {Payments(state)}
        {Disputes(state)}
        <section class="card">
        <h2>Webhooks{(state.Deliveries.IsPaused ? " (paused)" : "")}</h2>
        {Deliveries(state)}
        <div class="actions">
        {(state.Deliveries.IsPaused ? Button("deliveries/resume", "Resume delivery") : Button("deliveries/pause", "Pause delivery"))}
        {(state.Deliveries.Waiting.Count > 1 ? Button("deliveries/shuffle", "Shuffle") : null)}
        {(state.Deliveries.Waiting.Count > 0 ? Button("deliveries/drop", "Drop all") : null)}
        {Button("events/next", "Lose the next event", ("fate", "lose"))}
        {Button("events/next", "Hold the next event", ("fate", "hold"))}
        {Button("events/next", "Send the next event twice", ("fate", "duplicate"))}
        </div>
        {Fates(state)}
        </section>
        <section class="card">
        <h2>Events</h2>
        {EventPages.Table(state, EventsShown)}
        <p><a href="/events">All events</a></p>
        </section>
        <section class="card">
        <h2>Failures of the API</h2>
        <div class="actions">
        {Button("requests/fail", "Fail the next request", ("status", "500"))}
        {Button("requests/fail", "Lose the next answer", ("status", "0"), ("moment", "after"))}
        {Button("requests/slow", "Answer slowly", ("milliseconds", "3000"))}
        {Button("requests/heal", "Work as usual")}
        </div>
        </section>
        """);

    /// <summary>Also those of credits, which no subscription made.</summary>
    private static Html? Payments(StripeState state)
    {
        var paid = state.Charges.NewestFirst
            .Where(static charge => charge is { Status: "succeeded", IsDisputed: false } && charge.AmountRefunded < charge.Amount)
            .Take(PaymentsShown).ToList();
        return paid.Count == 0 ? null : Html.Of($"""
            <section class="card">
            <h2>Payments</h2>
            {Html.Join(paid.Select(charge => Payment(state, charge)))}
            </section>
            """);
    }

    private static Html Payment(StripeState state, Charge charge)
    {
        var intent = charge.Intent;
        var payer = intent.CustomerId is { } id ? state.Customers.Get(id).Email ?? id : "no customer";
        return $"""
            <article>
            <p>{DisplayText.Money(charge.Amount - charge.AmountRefunded, intent.Currency)}<small>{payer}</small>
            <small>{charge.Id}</small></p>
            <div class="actions">
            {Button($"charges/{charge.Id}/dispute", "Dispute")}
            {Button($"charges/{charge.Id}/refund", "Refund")}
            </div>
            </article>
            """;
    }

    private static Html? Disputes(StripeState state)
    {
        var open = state.Disputes.NewestFirst.Where(static dispute => dispute.Status == "needs_response").ToList();
        return open.Count == 0 ? null : Html.Of($"""
            <section class="card">
            <h2>Disputes</h2>
            {Html.Join(open.Select(Dispute))}
            </section>
            """);
    }

    private static Html Dispute(Dispute dispute) => $"""
        <article>
        <p>{DisplayText.Money(dispute.Charge.Amount, dispute.Charge.Intent.Currency)}<small>{dispute.Id}</small></p>
        <div class="actions">
        {Button($"disputes/{dispute.Id}/close", "The dispute is won", ("status", "won"))}
        {Button($"disputes/{dispute.Id}/close", "The dispute is lost", ("status", "lost"))}
        </div>
        </article>
        """;

    private static Html? Fates(StripeState state) => state.Events.NextFates.Count == 0 ? null : Html.Of($"""
        <p class="note">To come: {string.Join(", ", state.Events.NextFates.Select(static fate => fate switch
        {
            EventFate.Lose => "one event is lost",
            EventFate.Hold => "one event is held",
            _ => "one event is sent twice",
        }))}.</p>
        """);

    private static Html Deliveries(StripeState state) => state.Deliveries.Waiting.Count == 0
        ? Html.Of($"<p>No pending webhooks.</p>")
        : Html.Of($"""
            <table>
            <thead>
            <tr><th scope="col">Event</th><th scope="col">Attempts</th><th scope="col"><span class="unseen">Command</span></th></tr>
            </thead>
            <tbody>
            {Html.Join(state.Deliveries.Waiting.Take(DeliveriesShown).Select(Row))}
            </tbody>
            </table>
            """);

    private static Html Row(Delivery delivery) => $"""
        <tr>
        <td><a href="/events/{delivery.Event.Id}">{delivery.Event.Type}</a><small>{(delivery.IsHeld ? "held" : delivery.Event.Id)}</small>
        </td>
        <td>{delivery.Attempts}{(delivery.LastStatus is { } status ? Html.Of($"<small>{EventPages.Answer(status)}</small>") : null)}</td>
        <td><div class="actions">
        {Button($"deliveries/{delivery.Id}/deliver", "Deliver")}
        {Button($"deliveries/{delivery.Id}/duplicate", "Duplicate")}
        {Button($"deliveries/{delivery.Id}/delay", "Delay by an hour", ("seconds", "3600"))}
        {Button($"deliveries/{delivery.Id}/drop", "Drop")}
        </div></td>
        </tr>
        """;
}
