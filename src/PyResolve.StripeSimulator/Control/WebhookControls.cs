using System.Text.Json;
using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;
using PyResolve.StripeSimulator.Webhooks;

namespace PyResolve.StripeSimulator;

/// <summary>A webhook that its endpoint has not accepted yet.</summary>
/// <param name="Id">For <see cref="WebhookControls.DeliverAsync"/> and the other commands.</param>
/// <param name="EventId">The event.</param>
/// <param name="EventType">Such as <c>customer.subscription.updated</c>.</param>
/// <param name="Url">The endpoint.</param>
/// <param name="Attempts">The number of attempts so far.</param>
/// <param name="LastStatus">The status of the last attempt, 0 without an answer; null before the first attempt.</param>
/// <param name="DueAt">The next attempt, on the simulator's clock.</param>
public sealed record PendingDelivery(
    string Id, string EventId, string EventType, Uri Url, int Attempts, int? LastStatus, DateTimeOffset DueAt);

/// <summary>An event created by a test.</summary>
/// <param name="Type">Such as <c>customer.subscription.updated</c>.</param>
public sealed record CustomEvent(string Type)
{
    /// <summary>The object that the event carries, in its current state. Required unless <see cref="ObjectJson"/> is set.</summary>
    public string? ObjectId { get; init; }

    /// <summary>The object as JSON, for objects that the simulator does not have, such as disputes.</summary>
    public string? ObjectJson { get; init; }

    /// <summary>Default: the account's.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Whether it is marked as live mode. Default false.</summary>
    public bool Livemode { get; init; }

    /// <summary>Whether it is a v2 event, which has the object's id and not the object.</summary>
    public bool IsThin { get; init; }
}

/// <summary>Controls the delivery of webhooks, which runs by itself unless paused. Thread-safe.</summary>
public sealed class WebhookControls
{
    private readonly StripeState _state;
    private readonly WebhookSender _sender;

    internal WebhookControls(StripeState state, WebhookSender sender)
    {
        _state = state;
        _sender = sender;
    }

    /// <summary>In the order of delivery.</summary>
    public IReadOnlyList<PendingDelivery> Pending
    {
        get
        {
            lock (_state.Gate)
            {
                return
                [
                    .. _state.Deliveries.Waiting.Select(static delivery => new PendingDelivery(
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

    /// <summary>Stops deliveries, except those by <see cref="DeliverAsync"/>. Deliveries already being sent finish.</summary>
    public void Pause() => Locked(_state.Deliveries.Pause);

    /// <summary>Starts deliveries again after <see cref="Pause"/>.</summary>
    public void Resume() => Locked(_state.Deliveries.Resume);

    /// <summary>Sends a delivery now, even while paused.</summary>
    /// <returns>The endpoint's status; 0 without an answer.</returns>
    /// <exception cref="KeyNotFoundException">The delivery does not exist.</exception>
    public Task<int> DeliverAsync(string deliveryId, CancellationToken cancellationToken = default)
    {
        Delivery delivery;
        lock (_state.Gate)
            delivery = Find(deliveryId);
        return _sender.SendNowAsync(delivery, cancellationToken);
    }

    /// <summary>Sends an event again to every endpoint that receives its type, like <c>stripe events resend</c>.</summary>
    /// <exception cref="KeyNotFoundException">The event does not exist.</exception>
    public void Resend(string eventId) => Locked(() =>
    {
        var stripeEvent = _state.Events.Find(eventId) ?? throw new KeyNotFoundException($"There is no event {eventId}.");
        foreach (var endpoint in _state.WebhookEndpoints.All.Where(endpoint => !endpoint.IsDeleted && endpoint.Wants(stripeEvent.Type)))
            _state.Deliveries.Add(stripeEvent, endpoint, isDuplicate: true);
    });

    /// <summary>Queues further copies of a delivery.</summary>
    /// <param name="deliveryId">Of <see cref="Pending"/>.</param>
    /// <param name="copies">1 or more; less queues nothing.</param>
    /// <exception cref="KeyNotFoundException">The delivery does not exist.</exception>
    public void Duplicate(string deliveryId, int copies = 1) => Locked(() =>
    {
        var delivery = Find(deliveryId);
        for (var copy = 0; copy < copies; copy++)
            _state.Deliveries.Add(delivery.Event, delivery.Endpoint, isDuplicate: true);
    });

    /// <summary>Moves the next attempt later.</summary>
    /// <param name="deliveryId">Of <see cref="Pending"/>.</param>
    /// <param name="by">From now, on the simulator's clock.</param>
    /// <exception cref="KeyNotFoundException">The delivery does not exist.</exception>
    public void Delay(string deliveryId, TimeSpan by) => Locked(() => _state.Deliveries.Delay(Find(deliveryId), by));

    /// <summary>Shuffles the pending deliveries; the same seed gives the same order.</summary>
    public void Shuffle(int seed) => Locked(() => _state.Deliveries.Shuffle(seed));

    /// <summary>The next events that have an endpoint stay in the list of events, and are never sent.</summary>
    public void LoseNext(int count = 1) => Next(EventFate.Lose, count);

    /// <summary>The next events that have an endpoint wait for <see cref="DeliverAsync"/>.</summary>
    public void HoldNext(int count = 1) => Next(EventFate.Hold, count);

    /// <summary>The next events that have an endpoint are sent twice.</summary>
    public void DuplicateNext(int count = 1) => Next(EventFate.Duplicate, count);

    /// <summary>Removes a delivery. Its event stays in the list of events.</summary>
    /// <exception cref="KeyNotFoundException">The delivery does not exist.</exception>
    public void Drop(string deliveryId) => Locked(() => _state.Deliveries.Drop(Find(deliveryId)));

    /// <summary>Removes every pending delivery.</summary>
    public void DropAll() => Locked(() =>
    {
        foreach (var delivery in _state.Deliveries.Waiting.Where(static delivery => !delivery.IsSending).ToList())
            _state.Deliveries.Drop(delivery);
    });

    /// <summary>Creates an event, which is delivered like any other.</summary>
    /// <returns>The event's id.</returns>
    /// <exception cref="KeyNotFoundException">The object does not exist.</exception>
    /// <exception cref="ArgumentException">The JSON is not an object.</exception>
    public string Create(CustomEvent custom)
    {
        ArgumentNullException.ThrowIfNull(custom);
        lock (_state.Gate)
        {
            var subject = SubjectOf(custom);
            var stripeEvent = new StripeEvent
            {
                Id = _state.Ids.Next("evt"),
                Created = _state.Now,
                Type = custom.Type,
                Subject = WithMode(subject, custom.Livemode),
                ApiVersion = custom.ApiVersion ?? _state.Options.ApiVersion,
                HasOwnVersion = custom.ApiVersion is not null,
                Livemode = custom.Livemode,
                IsThin = custom.IsThin,
                Cause = new Cause(null, null),
            };
            _state.Events.Publish(stripeEvent);
            return stripeEvent.Id;
        }
    }

    /// <summary>Completes when no delivery is being sent or ready to be sent. Paused and delayed deliveries stay.</summary>
    public Task WhenIdleAsync(CancellationToken cancellationToken = default) => _sender.WhenIdleAsync(cancellationToken);

    private static JsonObject WithMode(JsonObject subject, bool livemode)
    {
        if (subject.ContainsKey("livemode"))
            subject["livemode"] = livemode;
        return subject;
    }

    private JsonObject SubjectOf(CustomEvent custom)
    {
        if (custom.ObjectJson is not { } json)
        {
            var known = custom.ObjectId is { } id ? _state.Find(id) : null;
            return known?.Render() ?? throw new KeyNotFoundException($"There is no object '{custom.ObjectId}' for the event to be about.");
        }

        try
        {
            return JsonNode.Parse(json) as JsonObject
                ?? throw new ArgumentException("The event's object is not a JSON object.", nameof(custom));
        }
        catch (JsonException malformed)
        {
            throw new ArgumentException("The event's object is not JSON.", nameof(custom), malformed);
        }
    }

    private void Next(EventFate fate, int count) => Locked(() =>
    {
        for (var number = 0; number < count; number++)
            _state.Events.NextFates.Enqueue(fate);
    });

    private Delivery Find(string id) => _state.Deliveries.Find(id) ?? throw new KeyNotFoundException($"There is no pending delivery {id}.");

    private void Locked(Action action)
    {
        lock (_state.Gate)
            action();
    }
}
