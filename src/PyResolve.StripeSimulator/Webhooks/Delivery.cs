using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Webhooks;

/// <summary>One event on its way to one endpoint.</summary>
internal sealed class Delivery(string id, StripeEvent happened, WebhookEndpoint endpoint, DateTimeOffset dueAt)
{
    public string Id => id;

    public StripeEvent Event => happened;

    public WebhookEndpoint Endpoint => endpoint;

    /// <summary>On the simulator's clock.</summary>
    public DateTimeOffset DueAt { get; set; } = dueAt;

    /// <summary>Sendings so far.</summary>
    public int Attempts { get; set; }

    /// <summary>The answer to the last sending; 0 where there was none.</summary>
    public int? LastStatus { get; set; }

    public bool IsOnItsWay { get; set; }

    /// <summary>Made by hand: another copy, whose success tells nothing about the first.</summary>
    public bool IsDuplicate { get; init; }
}
