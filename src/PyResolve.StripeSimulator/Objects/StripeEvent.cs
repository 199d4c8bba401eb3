using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>The API request that caused an event; without values if the clock did.</summary>
internal sealed record Cause(string? RequestId, string? IdempotencyKey);

internal sealed class StripeEvent : StripeObject
{
    public override string Kind => "event";

    public required string Type { get; init; }

    public required JsonObject Subject { get; init; }

    public JsonObject? PreviousAttributes { get; init; }

    public required string ApiVersion { get; init; }

    /// <summary>Whether endpoints get it in <see cref="ApiVersion"/>, and not in their own version.</summary>
    public bool HasOwnVersion { get; init; }

    public bool Livemode { get; init; }

    public bool IsThin { get; init; } // A v2 event, which has no object.

    public required Cause Cause { get; init; }

    public bool IsLost { get; set; } // On purpose: no endpoint gets it.

    public int PendingWebhooks { get; set; } // The number of endpoints that have not accepted it yet.

    public override JsonObject Render() => IsThin ? RenderThin() : RenderAs(ApiVersion);

    public JsonObject RenderAs(string apiVersion)
    {
        var data = new JsonObject { ["object"] = Subject.DeepClone() };
        if (PreviousAttributes is not null)
            data["previous_attributes"] = PreviousAttributes.DeepClone();
        return new JsonObject
        {
            ["id"] = Id,
            ["object"] = Kind,
            ["api_version"] = apiVersion,
            ["created"] = Created,
            ["data"] = data,
            ["livemode"] = Livemode,
            ["pending_webhooks"] = PendingWebhooks,
            ["request"] = new JsonObject { ["id"] = Cause.RequestId, ["idempotency_key"] = Cause.IdempotencyKey },
            ["type"] = Type,
        };
    }

    private JsonObject RenderThin()
    {
        var id = (string?)Subject["id"];
        var kind = (string?)Subject["object"];
        return new JsonObject
        {
            ["id"] = Id,
            ["object"] = "v2.core.event",
            ["context"] = null,
            ["created"] = DateTimeOffset.FromUnixTimeSeconds(Created).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"),
            ["livemode"] = Livemode,
            ["reason"] = null,
            ["related_object"] = new JsonObject { ["id"] = id, ["type"] = kind, ["url"] = $"/v1/{kind}s/{id}" },
            ["type"] = $"v1.{Type}",
        };
    }
}
