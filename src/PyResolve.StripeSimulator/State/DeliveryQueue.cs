using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.State;

/// <summary>The webhooks that have not been accepted yet. Guarded by the state's gate.</summary>
internal sealed class DeliveryQueue(StripeState state)
{
    /// <summary>The waits between attempts, about three days in all. After the last attempt the delivery is removed.</summary>
    private static readonly TimeSpan[] Backoff =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2),
        TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(12), TimeSpan.FromHours(12), TimeSpan.FromHours(12),
        TimeSpan.FromHours(12),
    ];

    private const int AttemptsKept = 5000;

    private readonly List<Delivery> _waiting = [];
    private readonly List<DeliveryAttempt> _attempts = [];

    /// <summary>Called when the next delivery may be earlier than before.</summary>
    public Action? OnChange { get; set; }

    public bool IsPaused { get; private set; }

    public IReadOnlyList<Delivery> Waiting => _waiting;

    public IReadOnlyList<DeliveryAttempt> Attempts => _attempts;

    public bool IsIdle => !_waiting.Exists(delivery => delivery.IsSending || (!IsPaused && IsDue(delivery)));

    public DateTimeOffset? NextDue => IsPaused
        ? null
        : _waiting.Where(static delivery => !delivery.IsSending).Select(static delivery => (DateTimeOffset?)delivery.DueAt).Min();

    public Delivery Add(StripeEvent stripeEvent, WebhookEndpoint endpoint, bool isDuplicate = false)
    {
        var id = state.Ids.Next("dlv");
        var delivery = new Delivery(id, stripeEvent, endpoint, state.Clock.GetUtcNow()) { IsDuplicate = isDuplicate };
        _waiting.Add(delivery);
        if (!isDuplicate)
            stripeEvent.PendingWebhooks++;
        OnChange?.Invoke();
        return delivery;
    }

    public Delivery? Find(string id) => _waiting.Find(delivery => delivery.Id == id);

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        OnChange?.Invoke();
    }

    /// <summary>Until somebody delivers it.</summary>
    public static void Hold(Delivery delivery) => delivery.DueAt = DateTimeOffset.MaxValue;

    public void Delay(Delivery delivery, TimeSpan by)
    {
        delivery.DueAt = state.Clock.GetUtcNow() + by;
        OnChange?.Invoke();
    }

    public void Drop(Delivery delivery)
    {
        if (_waiting.Remove(delivery) && !delivery.IsDuplicate)
            delivery.Event.PendingWebhooks--;
        OnChange?.Invoke();
    }

    public void Shuffle(int seed)
    {
        var mixed = _waiting.ToArray();
#pragma warning disable CA5394 // A shuffle that a test can repeat; nothing secret.
        new Random(seed).Shuffle(mixed);
#pragma warning restore CA5394
        _waiting.Clear();
        _waiting.AddRange(mixed);
    }

    public IReadOnlyList<Delivery> TakeDue(int atMost)
    {
        if (IsPaused)
            return [];
        var due = _waiting.Where(IsDue).Take(atMost).ToList();
        due.ForEach(MarkSending);
        return due;
    }

    public void MarkSending(Delivery delivery)
    {
        delivery.IsSending = true;
        delivery.Attempts++;
    }

    public void Finish(Delivery delivery, int status, string answer)
    {
        if (_attempts.Count == AttemptsKept)
            _attempts.RemoveRange(0, AttemptsKept / 2);
        _attempts.Add(new DeliveryAttempt(
            delivery.Event, delivery.Endpoint.Url, delivery.Attempts, state.Clock.GetUtcNow(), status, answer));
        delivery.IsSending = false;
        delivery.LastStatus = status;
        if (status is >= 200 and < 300)
        {
            Drop(delivery);
        }
        else if (delivery.Attempts > Backoff.Length)
        {
            _waiting.Remove(delivery);
            OnChange?.Invoke();
        }
        else
        {
            Delay(delivery, Backoff[delivery.Attempts - 1]);
        }
    }

    public void Recheck() => OnChange?.Invoke();

    private bool IsDue(Delivery delivery) => !delivery.IsSending && delivery.DueAt <= state.Clock.GetUtcNow();
}
