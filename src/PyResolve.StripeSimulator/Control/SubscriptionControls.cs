using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator;

/// <summary>What a subscription is set to, past all rules. What is null stays as it is. Instants are on the simulator's clock.</summary>
public sealed record SubscriptionEdit
{
    /// <summary><c>incomplete</c>, <c>incomplete_expired</c>, <c>trialing</c>, <c>active</c>, <c>past_due</c>, <c>canceled</c>, <c>unpaid</c> or <c>paused</c>.</summary>
    public string? Status { get; init; }

    /// <summary>The boolean alone; <see cref="CancelAt"/> is set apart.</summary>
    public bool? CancelAtPeriodEnd { get; init; }

    /// <summary>When it will be canceled; <see cref="DateTimeOffset.MinValue"/> clears it.</summary>
    public DateTimeOffset? CancelAt { get; init; }

    /// <summary>Of every item.</summary>
    public DateTimeOffset? CurrentPeriodEnd { get; init; }

    /// <summary>One item for each of these prices, in this order.</summary>
    public IReadOnlyList<string>? Prices { get; init; }

    /// <summary><c>keep_as_draft</c>, <c>mark_uncollectible</c> or <c>void</c>; empty clears it.</summary>
    public string? PauseCollection { get; init; }
}

/// <summary>One subscription's controls. Thread-safe.</summary>
public sealed class SubscriptionControls
{
    private static readonly string[] Statuses =
        ["incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused"];

    private readonly World _world;
    private readonly Subscription _subscription;

    internal SubscriptionControls(World world, Subscription subscription)
    {
        _world = world;
        _subscription = subscription;
    }

    /// <summary>Now.</summary>
    public string Status => Locked(() => _subscription.Status);

    /// <summary>Of the item whose period ends last.</summary>
    public DateTimeOffset CurrentPeriodEnd => Locked(() => DateTimeOffset.FromUnixTimeSeconds(_subscription.PeriodEnd));

    /// <summary>A renewal is billed out of turn, and declined whatever the card: <c>past_due</c>.</summary>
    public void FailPayment() => Locked(() =>
    {
        var customer = _world.Customers.Get(_subscription.CustomerId);
        var card = customer.Card;
        customer.Card = CardBehaviour.Declined;
        Renewals.Charge(_world, _subscription, "subscription_cycle");
        customer.Card = card;
    });

    /// <summary>What is owed is paid after all.</summary>
    public void RecoverPayment() => Locked(() =>
    {
        foreach (var invoice in _subscription.OpenInvoices.ToList())
        {
            Payments.MarkPaid(_world, invoice);
            SubscriptionChanges.SettlePending(_world, _subscription, invoice);
        }

        Renewals.Recover(_world, _subscription);
    });

    /// <summary>The trial ends now.</summary>
    public void EndTrial() => Locked(() =>
    {
        if (_subscription.Status == "trialing")
            Renewals.EndTrial(_world, _subscription);
    });

    /// <summary>Cancels now.</summary>
    public void Cancel() => Locked(() =>
    {
        if (!_subscription.IsEnded)
            Cancelling.Now(_world, _subscription, Cancelling.Requested);
    });

    /// <summary>Cancels at the end of the period: as the API does it, or as the portal does it, which sets <c>cancel_at</c> alone.</summary>
    public void CancelAtPeriodEnd(bool inPortal = false) => Change(now =>
    {
        if (inPortal)
            Cancelling.AtPeriodEndInPortal(_subscription, now);
        else
            Cancelling.AtPeriodEnd(_subscription, now);
    });

    /// <summary>Takes a cancellation back that has not come about.</summary>
    public void Resume() => Change(_ => Cancelling.Undo(_subscription));

    /// <summary>Puts another price on the first item, prorated and invoiced at once.</summary>
    /// <exception cref="KeyNotFoundException">There is no such price.</exception>
    public void SwitchTo(string priceId) => Locked(() =>
    {
        var price = _world.Prices.Get(priceId);
        _world.Events.Change(_subscription, () => SubscriptionChanges.ReplaceItems(
            _world,
            _subscription,
            SubscriptionChanges.WithPrice(_subscription, price),
            new ChangeTerms("always_invoice", "pending_if_incomplete")));
    });

    /// <summary>Sets anything, past all rules, and tells it as one update (as a deletion, where it becomes <c>canceled</c>).</summary>
    /// <exception cref="ArgumentException">Stripe has no such status.</exception>
    /// <exception cref="KeyNotFoundException">There is no such price.</exception>
    public void Set(SubscriptionEdit edit)
    {
        ArgumentNullException.ThrowIfNull(edit);
        if (edit.Status is not null && !Statuses.Contains(edit.Status, StringComparer.Ordinal))
            throw new ArgumentException($"'{edit.Status}' is none of {string.Join(", ", Statuses)}.", nameof(edit));
        Locked(() =>
        {
            var ends = edit.Status == "canceled" && _subscription.Status != "canceled";
            _world.Events.Change(_subscription, () => Apply(edit), ends ? "deleted" : "updated");
        });
    }

    private void Apply(SubscriptionEdit edit)
    {
        var now = _world.NowOn(_subscription.TestClockId);
        if (edit.Prices is { } prices)
        {
            var (start, end) = (_subscription.PeriodStart, _subscription.PeriodEnd);
            _subscription.Items = [.. prices.Select(id => Starting.Item(_world, _subscription.Id, _world.Prices.Get(id), 1, start, end))];
        }

        if (edit.Status is { } status)
        {
            _subscription.Status = status;
            _subscription.EndedAt = _subscription.IsEnded ? now : null;
            _subscription.CanceledAt = status == "canceled" ? now : _subscription.CanceledAt;
            _subscription.IncompleteSince = now;
            if (status == "trialing" && _subscription.TrialEnd is null)
                (_subscription.TrialStart, _subscription.TrialEnd) = (now, _subscription.PeriodEnd);
        }

        _subscription.CancelAtPeriodEnd = edit.CancelAtPeriodEnd ?? _subscription.CancelAtPeriodEnd;
        if (edit.CancelAt is { } cancelAt)
            _subscription.CancelAt = cancelAt == DateTimeOffset.MinValue ? null : cancelAt.ToUnixTimeSeconds();
        if (edit.CurrentPeriodEnd is { } periodEnd)
            _subscription.Items.ForEach(item => item.PeriodEnd = periodEnd.ToUnixTimeSeconds());
        if (edit.PauseCollection is { } pause)
            _subscription.Pause = pause.Length == 0 ? null : new PauseCollection(pause, ResumesAt: null);
    }

    private void Change(Action<long> change) => Locked(() =>
    {
        if (!_subscription.IsEnded)
            _world.Events.Change(_subscription, () => change(_world.NowOn(_subscription.TestClockId)));
    });

    private void Locked(Action action)
    {
        lock (_world.Gate)
            action();
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_world.Gate)
            return read();
    }
}
