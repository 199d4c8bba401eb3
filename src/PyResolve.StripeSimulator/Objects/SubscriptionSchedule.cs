using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed record SchedulePhase(long Start, long End, Price Price, long Quantity)
{
    public JsonObject Render() => new()
    {
        ["start_date"] = Start,
        ["end_date"] = End,
        ["currency"] = Price.Currency,
        ["items"] = new JsonArray(new JsonObject { ["price"] = Price.Id, ["quantity"] = Quantity, ["metadata"] = new JsonObject() }),
        ["proration_behavior"] = "none",
    };
}

/// <summary>As the portal makes it: the present period, then one with another price or quantity, after which it is released.</summary>
internal sealed class SubscriptionSchedule : StripeObject
{
    public override string Kind => "subscription_schedule";

    public required string CustomerId { get; init; }

    public required string SubscriptionId { get; init; }

    public required SchedulePhase Present { get; init; }

    public required SchedulePhase Next { get; init; }

    public string Status { get; set; } = "active"; // active or released

    public long? ReleasedAt { get; set; }

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["created"] = Created,
        ["current_phase"] = Status != "active"
            ? null
            : new JsonObject { ["start_date"] = Present.Start, ["end_date"] = Present.End },
        ["customer"] = CustomerId,
        ["end_behavior"] = "release",
        ["livemode"] = false,
        ["metadata"] = new JsonObject(),
        ["phases"] = new JsonArray(Present.Render(), Next.Render()),
        ["released_at"] = ReleasedAt,
        ["released_subscription"] = Status == "released" ? SubscriptionId : null,
        ["status"] = Status,
        ["subscription"] = Status == "released" ? null : SubscriptionId,
    };
}
