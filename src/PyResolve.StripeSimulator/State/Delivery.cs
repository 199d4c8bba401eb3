using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.State;

/// <summary>A webhook: one event for one endpoint.</summary>
internal sealed class Delivery(string id, StripeEvent stripeEvent, WebhookEndpoint endpoint, DateTimeOffset dueAt)
{
    public string Id => id;

    public StripeEvent Event => stripeEvent;

    public WebhookEndpoint Endpoint => endpoint;

    /// <summary>On the simulator's clock.</summary>
    public DateTimeOffset DueAt { get; set; } = dueAt;

    public int Attempts { get; set; }

    /// <summary>Of the last attempt; 0 without an answer.</summary>
    public int? LastStatus { get; set; }

    public bool IsSending { get; set; }

    /// <summary>A copy that a test ordered: its success does not count for the event.</summary>
    public bool IsDuplicate { get; init; }
}
