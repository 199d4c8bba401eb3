using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed class WebhookEndpoint : StripeObject
{
    public override string Kind => "webhook_endpoint";

    public required string Url { get; set; }

    public required string Secret { get; init; }

    public required IReadOnlyList<string> EnabledEvents { get; set; }

    public string? ApiVersion { get; init; } // Null: the account's version.

    public string? Description { get; set; }

    public bool IsEnabled { get; set; } = true;

    public Dictionary<string, string> Metadata { get; set; } = [];

    public bool Wants(string type) => IsEnabled && EnabledEvents.Any(wanted => wanted == "*" || wanted == type);

    public override JsonObject Render() => IsDeleted
        ? Shapes.Deleted(Id, Kind)
        : new JsonObject
        {
            ["id"] = Id,
            ["object"] = Kind,
            ["api_version"] = ApiVersion,
            ["application"] = null,
            ["created"] = Created,
            ["description"] = Description,
            ["enabled_events"] = Shapes.Array(EnabledEvents),
            ["livemode"] = false,
            ["metadata"] = Shapes.Map(Metadata),
            ["status"] = IsEnabled ? "enabled" : "disabled",
            ["url"] = Url,
        };
}
