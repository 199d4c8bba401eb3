using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Pages;

internal static class HomePage
{
    private const int DeliveriesShown = 20;

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
        {Command("clock/advance", "A day passes", ("days", "1"))}
        {Command("clock/advance", "A month passes", ("months", "1"))}
        </div>
        </section>
        <section class="card">
        <h2>Subscriptions</h2>
        {Subscriptions(state)}
        </section>
        <section class="card">
        <h2>Webhooks{(state.Deliveries.IsPaused ? " (paused)" : "")}</h2>
        {Deliveries(state)}
        <div class="actions">
        {(state.Deliveries.IsPaused ? Command("deliveries/resume", "Resume delivery") : Command("deliveries/pause", "Pause delivery"))}
        {(state.Deliveries.Waiting.Count > 1 ? Command("deliveries/shuffle", "Shuffle") : null)}
        {(state.Deliveries.Waiting.Count > 0 ? Command("deliveries/drop", "Drop all") : null)}
        </div>
        </section>
        """);

    private static Html Subscriptions(StripeState state)
    {
        var subscriptions = state.Subscriptions.NewestFirst.ToList();
        return subscriptions.Count == 0
            ? Html.Of($"<p>No subscriptions yet.</p>")
            : Html.Join(subscriptions.Select(subscription => Subscription(state, subscription)));
    }

    private static Html Subscription(StripeState state, Subscription subscription)
    {
        var customer = state.Customers.Get(subscription.CustomerId);
        return $"""
            <article>
            <p class="plan">
            <strong>{DisplayText.ProductOf(state, subscription.Items[0].Price)}</strong>
            <span class="status">{DisplayText.Status(subscription)}</span>
            </p>
            <p>{customer.Email ?? customer.Id}<small>{subscription.Id}</small><small>{DisplayText.Future(subscription)}</small></p>
            {(subscription.IsEnded ? null : Actions(subscription))}
            </article>
            """;
    }

    private static Html Actions(Subscription subscription)
    {
        var path = $"subscriptions/{subscription.Id}";
        var isOwing = subscription.Status is "past_due" or "unpaid" or "incomplete";
        return $"""
            <div class="actions">
            {(subscription.Status == "trialing" ? Command($"{path}/end-trial", "End trial") : null)}
            {(isOwing ? Command($"{path}/recover-payment", "Pay open invoices") : Command($"{path}/fail-payment", "Fail a payment"))}
            {Command($"{path}/cancel", "Cancel now")}
            </div>
            """;
    }

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
        <td>{delivery.Event.Type}<small>{delivery.Event.Id}</small></td>
        <td>{delivery.Attempts}</td>
        <td>{Command($"deliveries/{delivery.Id}/deliver", "Deliver")}</td>
        </tr>
        """;

    private static Html Command(string path, string text, params ReadOnlySpan<(string Name, string Value)> fields)
    {
        Html hidden = $"";
        foreach (var (name, value) in fields)
            hidden.AppendFormatted(Html.Of($"""<input type="hidden" name="{name}" value="{value}">"""));
        return $"""<form class="inline" method="post" action="/simulator/{path}">{hidden}<button class="quiet">{text}</button></form>""";
    }
}
