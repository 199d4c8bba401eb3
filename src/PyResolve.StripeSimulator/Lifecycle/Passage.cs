using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>
/// What time alone brings about: renewals, ends of trials, cancellations that were set for a moment, retries of failed payments, expiry.
/// Each happens as of the moment at which it was due, earliest first, however late it is looked at.
/// </summary>
internal static class Passage
{
    /// <summary>Far more than any jump in time brings; beyond it something renews without advancing.</summary>
    private const int MostSteps = 100_000;

    private sealed record Step(long DueAt, Action<World> Act);

    public static void CatchUp(World world) => CatchUp(world, testClock: null, world.Now);

    /// <summary>Brings the customers of a test clock to its time.</summary>
    public static void CatchUp(World world, TestClock testClock) => CatchUp(world, testClock.Id, testClock.FrozenTime);

    /// <summary>When time next brings something about, test clocks aside: those stand still.</summary>
    public static DateTimeOffset? NextDue(World world) =>
        FindNext(world, testClock: null) is { } step ? DateTimeOffset.FromUnixTimeSeconds(step.DueAt) : null;

    private static void CatchUp(World world, string? testClock, long now)
    {
        for (var steps = 0; FindNext(world, testClock) is { } step && step.DueAt <= now; steps++)
        {
            if (steps == MostSteps)
                throw new InvalidOperationException("Time brings about more than it can; a period without length?");
            world.At(step.DueAt, () => step.Act(world));
        }
    }

    private static Step? FindNext(World world, string? testClock)
    {
        Step? next = null;
        foreach (var subscription in world.Subscriptions.All)
        {
            if (subscription.TestClockId == testClock && Renewals.NextDue(subscription) is { } due && (next is null || due < next.DueAt))
                next = new Step(due, here => Renewals.Act(here, subscription));
        }

        if (testClock is not null)
            return next;
        foreach (var session in world.CheckoutSessions.All)
        {
            if (session.Status == "open" && (next is null || session.ExpiresAt < next.DueAt))
                next = new Step(session.ExpiresAt, here => Checkouts.Expire(here, session));
        }

        return next;
    }
}
