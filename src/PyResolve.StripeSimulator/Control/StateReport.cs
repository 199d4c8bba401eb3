using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Api;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Control;

/// <summary>How things stand, in one answer.</summary>
internal static class StateReport
{
    public static JsonObject Of(World world, RequestLog log) => new()
    {
        ["now"] = world.Clock.GetUtcNow().ToString("O"),
        ["subscriptions"] = new JsonArray([.. world.Subscriptions.All.Select(static subscription => new JsonObject
        {
            ["id"] = subscription.Id,
            ["customer"] = subscription.CustomerId,
            ["status"] = subscription.Status,
            ["prices"] = Shapes.Array(subscription.Items.Select(static item => item.Price.Id)),
            ["cancel_at"] = subscription.CancelAt,
            ["current_period_end"] = subscription.PeriodEnd,
        })]),
        ["deliveries_paused"] = world.Deliveries.IsPaused,
        ["deliveries"] = new JsonArray([.. world.Deliveries.Waiting.Select(static delivery => new JsonObject
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
