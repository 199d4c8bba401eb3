using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator;

/// <summary>Values to set on a subscription without any rule. Null leaves a value unchanged. Times are on the simulator's clock.</summary>
public sealed record SubscriptionEdit
{
    /// <summary>One of Stripe's eight statuses.</summary>
    public string? Status { get; init; }

    /// <summary>Only the boolean; <see cref="CancelAt"/> is separate.</summary>
    public bool? CancelAtPeriodEnd { get; init; }

    /// <summary><see cref="DateTimeOffset.MinValue"/> clears it.</summary>
    public DateTimeOffset? CancelAt { get; init; }

    /// <summary>Set on every item.</summary>
    public DateTimeOffset? CurrentPeriodEnd { get; init; }

    /// <summary>One item for each price id, in this order.</summary>
    public IReadOnlyList<string>? Prices { get; init; }

    /// <summary><c>keep_as_draft</c>, <c>mark_uncollectible</c> or <c>void</c>; empty clears it.</summary>
    public string? PauseCollection { get; init; }
}

/// <summary>The controls of one subscription. Thread-safe.</summary>
public sealed class SubscriptionControls
{
    private static readonly string[] Statuses =
        ["incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused"];

    private readonly StripeState _state;
    private readonly Subscription _subscription;

    internal SubscriptionControls(StripeState state, Subscription subscription)
    {
        _state = state;
        _subscription = subscription;
    }

    /// <summary>Stripe's status, such as <c>active</c>.</summary>
    public string Status => Locked(() => _subscription.Status);

    /// <summary>The latest end among the items.</summary>
    public DateTimeOffset CurrentPeriodEnd => Locked(() => DateTimeOffset.FromUnixTimeSeconds(_subscription.PeriodEnd));

    /// <summary>Bills a renewal now, and declines it regardless of the card: the status becomes <c>past_due</c>.</summary>
    public void FailPayment() => Locked(() =>
    {
        var customer = _state.Customers.Get(_subscription.CustomerId);
        var card = customer.Card;
        customer.Card = CardBehaviour.Declined;
        Renewals.Charge(_state, _subscription, "subscription_cycle");
        customer.Card = card;
    });

    /// <summary>Pays every open invoice.</summary>
    public void RecoverPayment() => Locked(() =>
    {
        foreach (var invoice in _subscription.OpenInvoices.ToList())
        {
            Payments.MarkPaid(_state, invoice);
            SubscriptionChanges.ApplyPending(_state, _subscription, invoice);
        }

        Renewals.Reactivate(_state, _subscription);
    });

    /// <summary>Disputes the newest payment, as the card's owner does at the bank.</summary>
    /// <returns>The dispute's id.</returns>
    /// <exception cref="KeyNotFoundException">Nothing was paid, or it is disputed already.</exception>
    public string DisputePayment() => Locked(() => Refunds.Dispute(_state, NewestCharge(), "fraudulent").Id);

    /// <summary>Gives the newest payment back; the subscription goes on.</summary>
    /// <exception cref="KeyNotFoundException">Nothing was paid, or it is given back already.</exception>
    public void RefundPayment() => Locked(() =>
    {
        var charge = NewestCharge();
        Refunds.Give(_state, charge, charge.Amount - charge.AmountRefunded, "requested_by_customer");
    });

    /// <summary>Ends the trial now, and bills the first period. Does nothing outside a trial.</summary>
    public void EndTrial() => Locked(() =>
    {
        if (_subscription.Status == "trialing")
            Renewals.EndTrial(_state, _subscription);
    });

    /// <summary>Cancels immediately.</summary>
    public void Cancel() => Locked(() =>
    {
        if (!_subscription.IsEnded)
            Cancellation.CancelNow(_state, _subscription, Cancellation.Requested);
    });

    /// <summary>Cancels at the end of the period: as the API does, or as the portal does, which sets only <c>cancel_at</c>.</summary>
    public void CancelAtPeriodEnd(bool inPortal = false) => Change(now =>
    {
        if (inPortal)
            Cancellation.ScheduleInPortal(_subscription, now);
        else
            Cancellation.Schedule(_subscription, now);
    });

    /// <summary>Undoes a scheduled cancellation.</summary>
    public void Resume() => Change(_ => Cancellation.Undo(_subscription));

    /// <summary>Changes the price of the first item, as the Dashboard does it: prorated and invoiced at once. Other items stay.</summary>
    /// <exception cref="KeyNotFoundException">The price does not exist.</exception>
    /// <exception cref="ArgumentException">The other items have another interval.</exception>
    public void SwitchTo(string priceId) => Locked(() =>
    {
        var items = SubscriptionChanges.WithPrice(_subscription, _state.Prices.Get(priceId));
        if (!SubscriptionChanges.HaveOneInterval(items.Select(static item => item.Price)))
            throw new ArgumentException("The other prices of this subscription have another interval.", nameof(priceId));
        _state.Events.Change(_subscription, () => SubscriptionChanges.ReplaceItems(
            _state,
            _subscription,
            items,
            new ChangeTerms("always_invoice", "pending_if_incomplete")));
    });

    /// <summary>Sets values without rules. Emits one event: <c>deleted</c> on a change to <c>canceled</c>, else <c>updated</c>.</summary>
    /// <exception cref="ArgumentException">Stripe has no such status.</exception>
    /// <exception cref="KeyNotFoundException">A price does not exist.</exception>
    public void Set(SubscriptionEdit edit)
    {
        ArgumentNullException.ThrowIfNull(edit);
        if (edit.Status is not null && !Statuses.Contains(edit.Status, StringComparer.Ordinal))
            throw new ArgumentException($"'{edit.Status}' is not one of {string.Join(", ", Statuses)}.", nameof(edit));
        Locked(() =>
        {
            var ends = edit.Status == "canceled" && _subscription.Status != "canceled";
            _state.Events.Change(_subscription, () => Apply(edit), ends ? "deleted" : "updated");
        });
    }

    private Charge NewestCharge() => _state.Charges.NewestFirst.FirstOrDefault(charge =>
        charge is { Status: "succeeded", IsDisputed: false } && charge.AmountRefunded < charge.Amount
        && charge.Intent.InvoiceId is { } invoice && _state.Invoices.Get(invoice).SubscriptionId == _subscription.Id)
        ?? throw new KeyNotFoundException("This subscription has no payment to take back.");

    private void Apply(SubscriptionEdit edit)
    {
        var now = _state.NowOn(_subscription.TestClockId);
        if (edit.Prices is { } prices)
        {
            var (start, end) = (_subscription.PeriodStart, _subscription.PeriodEnd);
            _subscription.Items =
                [.. prices.Select(id => SubscriptionCreation.CreateItem(_state, _subscription.Id, _state.Prices.Get(id), 1, start, end))];
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
            _state.Events.Change(_subscription, () => change(_state.NowOn(_subscription.TestClockId)));
    });

    private void Locked(Action action)
    {
        lock (_state.Gate)
            action();
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_state.Gate)
            return read();
    }
}
