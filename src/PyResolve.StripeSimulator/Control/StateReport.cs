using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Api;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Control;

internal static class StateReport
{
    public static JsonObject Of(StripeState state, RequestLog log) => new()
    {
        ["now"] = state.Clock.GetUtcNow().ToString("O"),
        ["subscriptions"] = new JsonArray([.. state.Subscriptions.All.Select(static subscription => new JsonObject
        {
            ["id"] = subscription.Id,
            ["customer"] = subscription.CustomerId,
            ["status"] = subscription.Status,
            ["prices"] = Shapes.Array(subscription.Items.Select(static item => item.Price.Id)),
            ["cancel_at"] = subscription.CancelAt,
            ["current_period_end"] = subscription.PeriodEnd,
        })]),
        ["deliveries_paused"] = state.Deliveries.IsPaused,
        ["deliveries"] = new JsonArray([.. state.Deliveries.Waiting.Select(static delivery => new JsonObject
        {
            ["id"] = delivery.Id,
            ["event"] = delivery.Event.Id,
            ["type"] = delivery.Event.Type,
            ["url"] = delivery.Endpoint.Url,
            ["attempts"] = delivery.Attempts,
            ["last_status"] = delivery.LastStatus,
            ["due_at"] = delivery.DueAt.ToString("O"),
        })]),
        ["requests"] = new JsonObject(log.Counts.Select(static count => KeyValuePair.Create(count.Key, (JsonNode?)count.Value))),
    };
}
