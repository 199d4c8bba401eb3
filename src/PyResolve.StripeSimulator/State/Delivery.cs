using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.State;

internal sealed class Delivery(string id, StripeEvent stripeEvent, WebhookEndpoint endpoint, DateTimeOffset dueAt)
{
    public string Id => id;

    public StripeEvent Event => stripeEvent;

    public WebhookEndpoint Endpoint => endpoint;

    public DateTimeOffset DueAt { get; set; } = dueAt; // On the simulator's clock.

    public bool IsHeld => DueAt == DateTimeOffset.MaxValue;

    public int Attempts { get; set; }

    public int? LastStatus { get; set; } // Of the last attempt; 0 without an answer.

    public bool IsSending { get; set; }

    public bool IsDuplicate { get; init; } // A test's copy: its success does not count for the event.
}
