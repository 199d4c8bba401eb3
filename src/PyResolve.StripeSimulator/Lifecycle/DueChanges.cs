using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>Changes that only time causes, such as renewals. Each is applied as of its scheduled moment, earliest first.</summary>
internal static class DueChanges
{
    /// <summary>More than any move of the clock causes: beyond it, something renews endlessly without advancing.</summary>
    private const int MostSteps = 100_000;

    private sealed record Step(long DueAt, Action<StripeState> Act);

    public static void Apply(StripeState state) => Apply(state, testClock: null, state.Now);

    public static void Apply(StripeState state, TestClock testClock) => Apply(state, testClock.Id, testClock.FrozenTime);

    /// <summary>The time of the next change, without test clocks, which stand still.</summary>
    public static DateTimeOffset? NextDue(StripeState state) =>
        FindNext(state, testClock: null) is { } step ? DateTimeOffset.FromUnixTimeSeconds(step.DueAt) : null;

    private static void Apply(StripeState state, string? testClock, long now)
    {
        for (var steps = 0; FindNext(state, testClock) is { } step && step.DueAt <= now; steps++)
        {
            if (steps == MostSteps)
                throw new InvalidOperationException("Too many changes fell due at once: a period may have no length.");
            state.At(step.DueAt, () => step.Act(state));
        }
    }

    private static Step? FindNext(StripeState state, string? testClock)
    {
        Step? next = null;
        foreach (var subscription in state.Subscriptions.All)
        {
            if (subscription.TestClockId == testClock && Renewals.NextDue(subscription) is { } due && (next is null || due < next.DueAt))
                next = new Step(due, here => Renewals.ApplyNext(here, subscription));
        }

        foreach (var intent in state.Settling)
        {
            if (intent.TestClockId == testClock && intent.SettlesAt is { } at && (next is null || at < next.DueAt))
                next = new Step(at, here => PaymentIntents.Settle(here, intent));
        }

        if (testClock is not null)
            return next;
        foreach (var session in state.CheckoutSessions.All)
        {
            if (session.Status == "open" && (next is null || session.ExpiresAt < next.DueAt))
                next = new Step(session.ExpiresAt, here => Checkouts.Expire(here, session));
        }

        return next;
    }
}
