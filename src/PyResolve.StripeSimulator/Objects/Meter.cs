using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>Adds up the usage of metered prices.</summary>
internal sealed class Meter : StripeObject
{
    public override string Kind => "billing.meter";

    public required string DisplayName { get; set; }

    public required string EventName { get; init; }

    public required string Formula { get; init; } // count, last or sum

    public string CustomerKey { get; init; } = "stripe_customer_id";

    public string ValueKey { get; init; } = "value";

    public bool IsActive { get; set; } = true;

    public long Updated { get; set; }

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["created"] = Created,
        ["customer_mapping"] = new JsonObject { ["event_payload_key"] = CustomerKey, ["type"] = "by_id" },
        ["default_aggregation"] = new JsonObject { ["formula"] = Formula },
        ["display_name"] = DisplayName,
        ["event_name"] = EventName,
        ["event_time_window"] = null,
        ["livemode"] = false,
        ["status"] = IsActive ? "active" : "inactive",
        ["status_transitions"] = new JsonObject { ["deactivated_at"] = IsActive ? null : Updated },
        ["updated"] = Updated,
        ["value_settings"] = new JsonObject { ["event_payload_key"] = ValueKey },
    };
}

internal sealed record MeterEvent(
    Meter Meter, string Identifier, string CustomerId, decimal Value, long Timestamp, long Created,
    IReadOnlyDictionary<string, string> Payload)
{
    public JsonObject Render() => new()
    {
        ["object"] = "billing.meter_event",
        ["created"] = Created,
        ["event_name"] = Meter.EventName,
        ["identifier"] = Identifier,
        ["livemode"] = false,
        ["payload"] = Shapes.Map(Payload),
        ["timestamp"] = Timestamp,
    };
}
