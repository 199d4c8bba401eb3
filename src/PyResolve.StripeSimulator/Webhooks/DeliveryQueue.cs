using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Webhooks;

/// <summary>What endpoints are still to be told. Guarded by the world's gate.</summary>
internal sealed class DeliveryQueue(World world)
{
    /// <summary>Waits before each further attempt, about three days in all. What still fails then is given up; the event stays in the list.</summary>
    private static readonly TimeSpan[] Backoff =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2),
        TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(12), TimeSpan.FromHours(12), TimeSpan.FromHours(12),
        TimeSpan.FromHours(12),
    ];

    private readonly List<Delivery> _waiting = [];

    /// <summary>Something may be due sooner than whoever waits believes.</summary>
    public Action? OnChange { get; set; }

    public bool IsPaused { get; private set; }

    public IReadOnlyList<Delivery> Waiting => _waiting;

    /// <summary>Those not yet answered that need nothing but their turn.</summary>
    public bool IsIdle => !_waiting.Exists(delivery => delivery.IsOnItsWay || (!IsPaused && IsDue(delivery)));

    public DateTimeOffset? NextDue => IsPaused
        ? null
        : _waiting.Where(static delivery => !delivery.IsOnItsWay).Select(static delivery => (DateTimeOffset?)delivery.DueAt).Min();

    public void Add(StripeEvent happened, WebhookEndpoint endpoint, bool isDuplicate = false)
    {
        var id = world.Ids.Next("dlv");
        _waiting.Add(new Delivery(id, happened, endpoint, world.Clock.GetUtcNow()) { IsDuplicate = isDuplicate });
        if (!isDuplicate)
            happened.PendingWebhooks++;
        OnChange?.Invoke();
    }

    public Delivery? Find(string id) => _waiting.Find(delivery => delivery.Id == id);

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        IsPaused = false;
        OnChange?.Invoke();
    }

    public void Delay(Delivery delivery, TimeSpan by)
    {
        delivery.DueAt = world.Clock.GetUtcNow() + by;
        OnChange?.Invoke();
    }

    public void Drop(Delivery delivery)
    {
        if (_waiting.Remove(delivery) && !delivery.IsDuplicate)
            delivery.Event.PendingWebhooks--;
        OnChange?.Invoke();
    }

    /// <summary>Mixes those that wait; the same seed mixes the same list the same way.</summary>
    public void Shuffle(int seed)
    {
        var mixed = _waiting.ToArray();
#pragma warning disable CA5394 // A shuffle that a test can repeat; nothing secret.
        new Random(seed).Shuffle(mixed);
#pragma warning restore CA5394
        _waiting.Clear();
        _waiting.AddRange(mixed);
    }

    /// <summary>Takes what is due, in the order of the list.</summary>
    public IReadOnlyList<Delivery> TakeDue(int atMost)
    {
        if (IsPaused)
            return [];
        var due = _waiting.Where(IsDue).Take(atMost).ToList();
        due.ForEach(Take);
        return due;
    }

    public void Take(Delivery delivery)
    {
        delivery.IsOnItsWay = true;
        delivery.Attempts++;
    }

    public void Finish(Delivery delivery, int status)
    {
        delivery.IsOnItsWay = false;
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

    private bool IsDue(Delivery delivery) => !delivery.IsOnItsWay && delivery.DueAt <= world.Clock.GetUtcNow();
}
