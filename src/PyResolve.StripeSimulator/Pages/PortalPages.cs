using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Pages;

internal static class PortalPages
{
    public static void MapPortalPages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/p/session/{id}/{action?}", static http => AnswerAsync(http, form: null));
        routes.MapPost("/p/session/{id}/{action}", static async http => await AnswerAsync(
            http, await http.Request.ReadFormAsync(http.RequestAborted)));
    }

    private static Task AnswerAsync(HttpContext http, IFormCollection? form)
    {
        var state = http.RequestServices.GetRequiredService<StripeState>();
        var action = (string?)http.Request.RouteValues["action"];
        Page page;
        lock (state.Gate)
        {
            DueChanges.Apply(state);
            page = state.PortalSessions.TryGet((string)http.Request.RouteValues["id"]!, out var session)
                && state.Customers.Get(session.CustomerId) is { IsDeleted: false } customer
                ? Answer(new PortalContext(state, session, customer, http.Request.Query["subscription"]), action, form)
                : NotFound();
        }

        return page.WriteAsync(http);
    }

    private static Page Answer(PortalContext portal, string? action, IFormCollection? form)
    {
        if (form is not null)
            return PortalActions.Act(portal, action, form);
        return (action ?? portal.FlowAction) switch
        {
            null => PortalViews.Home(portal),
            "plan" => PortalViews.Plan(portal, alert: null),
            "cancel" => PortalViews.Cancel(portal),
            "card" => PortalViews.Card(portal, alert: null),
            _ => NotFound(),
        };
    }

    private static Page NotFound() => Page.Message(
        "No such page", $"<p>The simulator forgets everything when it stops. Go back to the shop and open the portal again.</p>");
}
