using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>The portal: a customer's subscriptions, and what may be done about them.</summary>
internal static class PortalPages
{
    public static void MapPortalPages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/p/session/{id}/{action?}", static http => AnswerAsync(http, form: null));
        routes.MapPost("/p/session/{id}/{action}", static async http => await AnswerAsync(http, await http.Request.ReadFormAsync(http.RequestAborted)));
    }

    private static Task AnswerAsync(HttpContext http, IFormCollection? form)
    {
        var world = http.RequestServices.GetRequiredService<World>();
        var action = (string?)http.Request.RouteValues["action"];
        Page page;
        lock (world.Gate)
        {
            Passage.CatchUp(world);
            page = world.PortalSessions.TryGet((string)http.Request.RouteValues["id"]!, out var session)
                && world.Customers.Get(session.CustomerId) is { IsDeleted: false } customer
                ? Answer(new PortalVisit(world, session, customer, http.Request.Query["subscription"]), action, form)
                : NotFound();
        }

        return page.WriteAsync(http);
    }

    private static Page Answer(PortalVisit visit, string? action, IFormCollection? form)
    {
        if (form is not null)
            return PortalActions.Act(visit, action, form);
        return (action ?? visit.FlowAction) switch
        {
            null => PortalViews.Home(visit),
            "plan" => PortalViews.Plan(visit, alert: null),
            "cancel" => PortalViews.Cancel(visit),
            "card" => PortalViews.Card(visit, alert: null),
            _ => NotFound(),
        };
    }

    private static Page NotFound() => Page.Gone(
        "No such page", $"<p>The simulator forgets everything when it stops. Go back to the shop and open the portal again.</p>");
}
