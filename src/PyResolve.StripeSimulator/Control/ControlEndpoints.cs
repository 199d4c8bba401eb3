using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Api;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.Pages;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Control;

/// <summary>The controls over HTTP. Every body may add <c>"silent": true</c>, which emits no events.</summary>
internal static class ControlEndpoints
{
    private static readonly Dictionary<string, Func<ControlCall, Action>> Commands = new(StringComparer.Ordinal)
    {
        ["clock/advance"] = BillingCommands.Advance,
        ["checkout/{id}/pay"] = BillingCommands.PayCheckout,
        ["customers/{id}/card"] = BillingCommands.ReplaceCard,
        ["customers/{id}/delete"] = BillingCommands.DeleteCustomer,
        ["subscriptions/{id}/fail-payment"] = BillingCommands.OnSubscription(static subscription => subscription.FailPayment()),
        ["subscriptions/{id}/recover-payment"] = BillingCommands.OnSubscription(static subscription => subscription.RecoverPayment()),
        ["subscriptions/{id}/end-trial"] = BillingCommands.OnSubscription(static subscription => subscription.EndTrial()),
        ["subscriptions/{id}/dispute"] = BillingCommands.OnSubscription(static subscription => subscription.DisputePayment()),
        ["subscriptions/{id}/refund"] = BillingCommands.OnSubscription(static subscription => subscription.RefundPayment()),
        ["charges/{id}/dispute"] = BillingCommands.DisputeCharge,
        ["charges/{id}/refund"] = BillingCommands.RefundCharge,
        ["disputes/{id}/close"] = BillingCommands.CloseDispute,
        ["subscriptions/{id}/cancel"] = BillingCommands.OnSubscription(static subscription => subscription.Cancel()),
        ["subscriptions/{id}/resume"] = BillingCommands.OnSubscription(static subscription => subscription.Resume()),
        ["subscriptions/{id}/cancel-at-period-end"] = BillingCommands.CancelAtPeriodEnd,
        ["subscriptions/{id}/switch"] = BillingCommands.Switch,
        ["subscriptions/{id}/set"] = BillingCommands.Set,
        ["deliveries/pause"] = DeliveryCommands.On(static webhooks => webhooks.Pause()),
        ["deliveries/resume"] = DeliveryCommands.On(static webhooks => webhooks.Resume()),
        ["deliveries/drop"] = DeliveryCommands.On(static webhooks => webhooks.DropAll()),
        ["deliveries/shuffle"] = DeliveryCommands.Shuffle,
        ["deliveries/{id}/duplicate"] = DeliveryCommands.Duplicate,
        ["deliveries/{id}/delay"] = DeliveryCommands.Delay,
        ["deliveries/{id}/drop"] = DeliveryCommands.Drop,
        ["events"] = DeliveryCommands.CreateEvent,
        ["events/next"] = DeliveryCommands.Next,
        ["events/{id}/resend"] = DeliveryCommands.Resend,
        ["requests/fail"] = RequestCommands.Fail,
        ["requests/slow"] = RequestCommands.Slow,
        ["requests/heal"] = RequestCommands.Heal,
    };

    /// <summary>Their paths, under <c>/simulator/</c>.</summary>
    public static IReadOnlyCollection<string> Paths => Commands.Keys;

    public static void MapControl(this IEndpointRouteBuilder routes)
    {
        foreach (var (path, command) in Commands)
            routes.MapPost($"/simulator/{path}", http => RunAsync(http, command));
        routes.MapPost("/simulator/deliveries/{id}/deliver", DeliverAsync);
        routes.MapGet("/simulator/state", ShowAsync);
    }

    private static Task RunAsync(HttpContext http, Func<ControlCall, Action> command) => AnswerAsync(http, async () =>
    {
        var call = await ControlCall.ReadAsync(http);
        // The command reads all its fields first: if one of them is invalid, nothing happens.
        var action = command(call);
        var isSilent = call.IsSilent;
        call.RejectUnknownFields();
        if (isSilent)
            call.Simulation.WithoutEvents(action);
        else
            action();
        if (call.IsFromPage)
            http.Response.Redirect("/");
        else
            await WriteAsync(http, StatusCodes.Status200OK, new JsonObject { ["now"] = call.Simulation.Now.ToString("O") });
    });

    private static Task DeliverAsync(HttpContext http) => AnswerAsync(http, async () =>
    {
        var call = await ControlCall.ReadAsync(http);
        call.RejectUnknownFields();
        var status = await call.Simulation.Webhooks.DeliverAsync(call.Id, http.RequestAborted);
        if (call.IsFromPage)
            http.Response.Redirect("/");
        else
            await WriteAsync(http, StatusCodes.Status200OK, new JsonObject { ["status"] = status });
    });

    private static Task ShowAsync(HttpContext http)
    {
        var state = http.RequestServices.GetRequiredService<StripeState>();
        JsonObject report;
        lock (state.Gate)
            report = StateReport.Of(state, http.RequestServices.GetRequiredService<RequestLog>());
        return WriteAsync(http, StatusCodes.Status200OK, report);
    }

    private static async Task AnswerAsync(HttpContext http, Func<Task> answer)
    {
        try
        {
            await answer();
        }
        catch (KeyNotFoundException missing)
        {
            await RefuseAsync(http, StatusCodes.Status404NotFound, missing.Message);
        }
        catch (Exception invalid) when (invalid is ControlException or ArgumentException)
        {
            await RefuseAsync(http, StatusCodes.Status400BadRequest, invalid.Message);
        }
    }

    /// <summary>A person gets a page, a program JSON.</summary>
    private static Task RefuseAsync(HttpContext http, int status, string reason) =>
        http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal)
            ? Page.Message(
                "That is not possible", $"""<p>{reason}</p><p><a class="button" href="/">Back</a></p>""", status).WriteAsync(http)
            : WriteAsync(http, status, new JsonObject { ["error"] = reason });

    private static Task WriteAsync(HttpContext http, int status, JsonObject body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        return http.Response.Body.WriteAsync(Json.Bytes(body), http.RequestAborted).AsTask();
    }
}
