using System.Text.Json;
using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.Webhooks;

namespace PyResolve.StripeSimulator;

/// <summary>A delivery that has not been accepted yet.</summary>
/// <param name="Id">By which it is commanded.</param>
/// <param name="EventId">What it tells.</param>
/// <param name="EventType">As <c>customer.subscription.updated</c>.</param>
/// <param name="Url">To whom.</param>
/// <param name="Attempts">So far.</param>
/// <param name="LastStatus">The answer to the last attempt, 0 where there was none; null before the first.</param>
/// <param name="DueAt">The next attempt, on the simulator's clock.</param>
public sealed record PendingDelivery(string Id, string EventId, string EventType, Uri Url, int Attempts, int? LastStatus, DateTimeOffset DueAt);

/// <summary>An event made by hand.</summary>
/// <param name="Type">As <c>customer.subscription.updated</c>.</param>
public sealed record HandmadeEvent(string Type)
{
    /// <summary>What it is about: the event carries that object as it is now. Needed unless <see cref="ObjectJson"/> is given.</summary>
    public string? ObjectId { get; init; }

    /// <summary>What it carries, as JSON: for objects that the simulator does not keep, such as disputes.</summary>
    public string? ObjectJson { get; init; }

    /// <summary>The version it claims; the account's unless given.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Whether it claims to be of live mode.</summary>
    public bool Livemode { get; init; }

    /// <summary>Whether it is a v2 event, which names the object without carrying it.</summary>
    public bool IsThin { get; init; }
}

/// <summary>What happens to webhooks. Deliveries run by themselves unless paused. Thread-safe.</summary>
public sealed class WebhookControls
{
    private readonly World _world;
    private readonly DeliveryPump _pump;

    internal WebhookControls(World world, DeliveryPump pump)
    {
        _world = world;
        _pump = pump;
    }

    /// <summary>In the order in which they would go.</summary>
    public IReadOnlyList<PendingDelivery> Pending
    {
        get
        {
            lock (_world.Gate)
            {
                return
                [
                    .. _world.Deliveries.Waiting.Select(static delivery => new PendingDelivery(
                        delivery.Id,
                        delivery.Event.Id,
                        delivery.Event.Type,
                        new Uri(delivery.Endpoint.Url),
                        delivery.Attempts,
                        delivery.LastStatus,
                        delivery.DueAt)),
                ];
            }
        }
    }

    /// <summary>Nothing is sent any more but by <see cref="DeliverAsync"/>. What is on its way arrives.</summary>
    public void Pause() => Locked(_world.Deliveries.Pause);

    /// <summary>Deliveries run by themselves again.</summary>
    public void Resume() => Locked(_world.Deliveries.Resume);

    /// <summary>Sends one now, paused or not.</summary>
    /// <returns>The answer's status; 0 where there was none.</returns>
    /// <exception cref="KeyNotFoundException">There is no such delivery.</exception>
    public Task<int> DeliverAsync(string deliveryId, CancellationToken cancellationToken = default)
    {
        Delivery delivery;
        lock (_world.Gate)
            delivery = Find(deliveryId);
        return _pump.SendNowAsync(delivery, cancellationToken);
    }

    /// <summary>Sends a known event again to every endpoint that wants it, as <c>stripe events resend</c>.</summary>
    /// <exception cref="KeyNotFoundException">There is no such event.</exception>
    public void Resend(string eventId) => Locked(() =>
    {
        var happened = _world.Events.Find(eventId) ?? throw new KeyNotFoundException($"There is no event {eventId}.");
        foreach (var endpoint in _world.WebhookEndpoints.All.Where(endpoint => !endpoint.IsDeleted && endpoint.Wants(happened.Type)))
            _world.Deliveries.Add(happened, endpoint, isDuplicate: true);
    });

    /// <summary>Adds copies of a delivery.</summary>
    /// <exception cref="KeyNotFoundException">There is no such delivery.</exception>
    public void Duplicate(string deliveryId, int copies = 1) => Locked(() =>
    {
        var delivery = Find(deliveryId);
        for (var copy = 0; copy < copies; copy++)
            _world.Deliveries.Add(delivery.Event, delivery.Endpoint, isDuplicate: true);
    });

    /// <summary>Puts a delivery off.</summary>
    /// <exception cref="KeyNotFoundException">There is no such delivery.</exception>
    public void Delay(string deliveryId, TimeSpan by) => Locked(() => _world.Deliveries.Delay(Find(deliveryId), by));

    /// <summary>Mixes the order of what waits; the same seed mixes the same way.</summary>
    public void Shuffle(int seed) => Locked(() => _world.Deliveries.Shuffle(seed));

    /// <summary>It never arrives. The event stays in the list of events.</summary>
    /// <exception cref="KeyNotFoundException">There is no such delivery.</exception>
    public void Drop(string deliveryId) => Locked(() => _world.Deliveries.Drop(Find(deliveryId)));

    /// <summary>Nothing that waits now ever arrives.</summary>
    public void DropAll() => Locked(() =>
    {
        foreach (var delivery in _world.Deliveries.Waiting.Where(static delivery => !delivery.IsOnItsWay).ToList())
            _world.Deliveries.Drop(delivery);
    });

    /// <summary>Makes an event, and delivers it as any other.</summary>
    /// <returns>The event's id.</returns>
    /// <exception cref="KeyNotFoundException">There is no such object.</exception>
    /// <exception cref="ArgumentException">The JSON is no object.</exception>
    public string Make(HandmadeEvent handmade)
    {
        ArgumentNullException.ThrowIfNull(handmade);
        lock (_world.Gate)
        {
            var subject = SubjectOf(handmade);
            var happened = new StripeEvent
            {
                Id = _world.Ids.Next("evt"),
                Created = _world.Now,
                Type = handmade.Type,
                Subject = WithMode(subject, handmade.Livemode),
                ApiVersion = handmade.ApiVersion ?? _world.Options.ApiVersion,
                HasOwnVersion = handmade.ApiVersion is not null,
                Livemode = handmade.Livemode,
                IsThin = handmade.IsThin,
                Cause = new Cause(null, null),
            };
            _world.Events.Publish(happened);
            return happened.Id;
        }
    }

    /// <summary>Completes when nothing is on its way or due. What is paused or put off stays.</summary>
    public Task WhenIdleAsync(CancellationToken cancellationToken = default) => _pump.WhenIdleAsync(cancellationToken);

    private static JsonObject WithMode(JsonObject subject, bool livemode)
    {
        if (subject.ContainsKey("livemode"))
            subject["livemode"] = livemode;
        return subject;
    }

    private JsonObject SubjectOf(HandmadeEvent handmade)
    {
        if (handmade.ObjectJson is not { } json)
        {
            var known = handmade.ObjectId is { } id ? _world.Find(id) : null;
            return known?.Render() ?? throw new KeyNotFoundException($"There is no object '{handmade.ObjectId}' for the event to be about.");
        }

        try
        {
            return JsonNode.Parse(json) as JsonObject ?? throw new ArgumentException("The event's object is no JSON object.", nameof(handmade));
        }
        catch (JsonException malformed)
        {
            throw new ArgumentException("The event's object is no JSON.", nameof(handmade), malformed);
        }
    }

    private Delivery Find(string id) => _world.Deliveries.Find(id) ?? throw new KeyNotFoundException($"No delivery {id} is waiting.");

    private void Locked(Action action)
    {
        lock (_world.Gate)
            action();
    }
}
