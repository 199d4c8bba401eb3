using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>A change of the first item that waits for the end of the period. Called within a change of the subscription.</summary>
internal static class Schedules
{
    /// <param name="state">Of the simulator.</param>
    /// <param name="subscription">Whose first item changes.</param>
    /// <param name="next">What it will be.</param>
    public static void Set(StripeState state, Subscription subscription, SubscriptionItem next)
    {
        Release(state, subscription);
        var item = subscription.Items[0];
        var schedule = state.Schedules.Add(new SubscriptionSchedule
        {
            Id = state.Ids.Next("sub_sched"),
            Created = state.NowOn(subscription.TestClockId),
            CustomerId = subscription.CustomerId,
            SubscriptionId = subscription.Id,
            Present = new SchedulePhase(subscription.PeriodStart, subscription.PeriodEnd, item.Price, item.Quantity),
            Next = new SchedulePhase(
                subscription.PeriodEnd, next.Price.Recurring!.After(subscription.PeriodEnd), next.Price, next.Quantity),
        });
        subscription.ScheduleId = schedule.Id;
        state.Events.Emit(schedule, "created");
    }

    public static SubscriptionSchedule? Find(StripeState state, Subscription subscription) =>
        subscription.ScheduleId is { } id ? state.Schedules.Get(id) : null;

    /// <summary>The subscription goes on as it is.</summary>
    public static void Release(StripeState state, Subscription subscription)
    {
        if (Find(state, subscription) is not { } schedule)
            return;
        subscription.ScheduleId = null;
        schedule.Status = "released";
        schedule.ReleasedAt = state.NowOn(subscription.TestClockId);
        state.Events.Emit(schedule, "released");
    }

    public static void ApplyDue(StripeState state, Subscription subscription)
    {
        if (Find(state, subscription) is not { } schedule || schedule.Next.Start > state.NowOn(subscription.TestClockId))
            return;
        (subscription.Items[0].Price, subscription.Items[0].Quantity) = (schedule.Next.Price, schedule.Next.Quantity);
        Release(state, subscription);
    }
}
