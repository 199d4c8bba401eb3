using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.Webhooks;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>Where a person makes time pass, payments fail and webhooks wait.</summary>
internal static class HomePage
{
    private const int DeliveriesShown = 20;

    public static void MapHomePage(this IEndpointRouteBuilder routes) => routes.MapGet("/", static http =>
    {
        var world = http.RequestServices.GetRequiredService<World>();
        Page page;
        lock (world.Gate)
        {
            Passage.CatchUp(world);
            page = View(world);
        }

        return page.WriteAsync(http);
    });

    private static Page View(World world) => new("Controls", $"""
        <h1>Controls</h1>
        <section class="card">
        <h2>{Texts.Day(world.Now)}</h2>
        <div class="actions">
        {Command("clock/advance", "A day passes", ("days", "1"))}
        {Command("clock/advance", "A month passes", ("months", "1"))}
        </div>
        </section>
        <section class="card">
        <h2>Subscriptions</h2>
        {Subscriptions(world)}
        </section>
        <section class="card">
        <h2>Webhooks{(world.Deliveries.IsPaused ? ", held" : "")}</h2>
        {Deliveries(world)}
        <div class="actions">
        {(world.Deliveries.IsPaused ? Command("deliveries/resume", "Let them go") : Command("deliveries/pause", "Hold them"))}
        {(world.Deliveries.Waiting.Count > 1 ? Command("deliveries/shuffle", "Mix their order") : null)}
        {(world.Deliveries.Waiting.Count > 0 ? Command("deliveries/drop", "Lose them") : null)}
        </div>
        </section>
        """);

    private static Html Subscriptions(World world)
    {
        var subscriptions = world.Subscriptions.NewestFirst.ToList();
        return subscriptions.Count == 0
            ? Html.Of($"<p>There are none yet.</p>")
            : Html.Join(subscriptions.Select(subscription => Subscription(world, subscription)));
    }

    private static Html Subscription(World world, Subscription subscription)
    {
        var customer = world.Customers.Get(subscription.CustomerId);
        return $"""
            <article>
            <p class="plan"><strong>{Texts.ProductOf(world, subscription.Items[0].Price)}</strong><span class="status">{Texts.Status(subscription)}</span></p>
            <p>{customer.Email ?? customer.Id}<small>{subscription.Id}</small><small>{Texts.Future(subscription)}</small></p>
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
            {(isOwing ? Command($"{path}/recover-payment", "Pay what is owed") : Command($"{path}/fail-payment", "Fail a payment"))}
            {Command($"{path}/cancel", "Cancel now")}
            </div>
            """;
    }

    private static Html Deliveries(World world) => world.Deliveries.Waiting.Count == 0
        ? Html.Of($"<p>None is waiting.</p>")
        : Html.Of($"""
            <table>
            <thead><tr><th scope="col">Event</th><th scope="col">Attempts</th><th scope="col"><span class="unseen">Command</span></th></tr></thead>
            <tbody>
            {Html.Join(world.Deliveries.Waiting.Take(DeliveriesShown).Select(Row))}
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
