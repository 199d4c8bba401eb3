using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.State;

/// <summary>A webhook as it was sent, and what its endpoint answered.</summary>
/// <param name="Event">What was sent.</param>
/// <param name="Url">The endpoint.</param>
/// <param name="Number">1 is the first attempt.</param>
/// <param name="At">On the simulator's clock.</param>
/// <param name="Status">0 without an answer.</param>
/// <param name="Answer">The beginning of the answer's body, or why there was none.</param>
internal sealed record DeliveryAttempt(StripeEvent Event, string Url, int Number, DateTimeOffset At, int Status, string Answer)
{
    public bool IsAccepted => Status is >= 200 and < 300;
}

/// <summary>What is to become of an event that has an endpoint.</summary>
internal enum EventFate
{
    /// <summary>It is in the list of events, and never sent.</summary>
    Lose,

    /// <summary>It waits until somebody delivers it.</summary>
    Hold,

    Duplicate,
}
