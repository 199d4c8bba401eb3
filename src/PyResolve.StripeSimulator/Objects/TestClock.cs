using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>The clock of the customers that were created on it. It stands still until it is advanced.</summary>
internal sealed class TestClock : StripeObject
{
    private const long Life = 30 * 24 * 60 * 60;

    public override string Kind => "test_helpers.test_clock";

    public string? Name { get; init; }

    public required long FrozenTime { get; set; }

    public override JsonObject Render() => Render("ready");

    public JsonObject Render(string status) => IsDeleted
        ? Shapes.Deleted(Id, Kind)
        : new JsonObject
        {
            ["id"] = Id,
            ["object"] = Kind,
            ["created"] = Created,
            ["deletes_after"] = Created + Life,
            ["frozen_time"] = FrozenTime,
            ["livemode"] = false,
            ["name"] = Name,
            ["status"] = status,
        };
}
