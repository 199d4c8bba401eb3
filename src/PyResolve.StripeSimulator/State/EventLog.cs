using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.State;

/// <summary>Records the events, and creates their deliveries to the endpoints. Guarded by the state's gate.</summary>
internal sealed class EventLog(StripeState state)
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    private readonly ObjectTable<StripeEvent> _events = new();

    /// <summary>Of the next events that have an endpoint.</summary>
    public Queue<EventFate> NextFates { get; } = [];

    public Cause Cause { get; set; } = new(null, null); // The API request that causes the current changes.

    public bool IsSilent { get; set; }

    public IEnumerable<StripeEvent> NewestFirst
    {
        get
        {
            var oldest = state.Now - (long)Kept.TotalSeconds;
            return _events.NewestFirst.Where(stripeEvent => stripeEvent.Created >= oldest);
        }
    }

    public StripeEvent? Find(string id) => NewestFirst.FirstOrDefault(stripeEvent => stripeEvent.Id == id);

    public void Change(StripeObject subject, Action change, string verb = "updated")
    {
        var before = subject.Render();
        change();
        var after = subject.Render();
        if (PreviousAttributes.Between(before, after) is { Count: > 0 } previous)
            Emit($"{subject.EventPrefix}.{verb}", after, verb == "updated" ? previous : null);
    }

    public void Emit(StripeObject subject, string verb) => Emit($"{subject.EventPrefix}.{verb}", subject.Render());

    public StripeEvent? Emit(string type, JsonObject subject, JsonObject? previous = null)
    {
        if (IsSilent)
            return null;
        var stripeEvent = new StripeEvent
        {
            Id = state.Ids.Next("evt"),
            Created = state.Now,
            Type = type,
            Subject = subject,
            PreviousAttributes = previous,
            ApiVersion = state.Options.ApiVersion,
            Cause = Cause,
        };
        Publish(stripeEvent);
        return stripeEvent;
    }

    public void Publish(StripeEvent stripeEvent)
    {
        _events.Add(stripeEvent);
        var endpoints = state.WebhookEndpoints.All.Where(endpoint => !endpoint.IsDeleted && endpoint.Wants(stripeEvent.Type)).ToList();
        if (endpoints.Count == 0)
            return;
        EventFate? fate = NextFates.TryDequeue(out var next) ? next : null;
        stripeEvent.IsLost = fate == EventFate.Lose;
        if (stripeEvent.IsLost)
            return;
        foreach (var endpoint in endpoints)
        {
            var delivery = state.Deliveries.Add(stripeEvent, endpoint);
            if (fate == EventFate.Hold)
                DeliveryQueue.Hold(delivery);
            if (fate == EventFate.Duplicate)
                state.Deliveries.Add(stripeEvent, endpoint, isDuplicate: true);
        }
    }
}
