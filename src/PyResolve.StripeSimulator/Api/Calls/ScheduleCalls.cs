using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;

namespace PyResolve.StripeSimulator.Api.Calls;

/// <summary>Schedules that the portal makes for downgrades; the simulator makes no others.</summary>
internal static class ScheduleCalls
{
    private const string Kind = "subscription_schedule";

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.Schedules, Kind).Render();

    public static JsonObject List(ApiCall call) => Lists.Page(call, "/v1/subscription_schedules", Kind,
        call.State.Schedules.NewestFirst.Where(schedule => Lists.Matches(call.Form, "customer", schedule.CustomerId)));

    public static JsonObject Release(ApiCall call)
    {
        var schedule = call.GetByPath(call.State.Schedules, Kind);
        if (schedule.Status != "active")
            throw ApiErrorException.Invalid($"You cannot release a subscription schedule that is `{schedule.Status}`.");
        var subscription = call.State.Subscriptions.Get(schedule.SubscriptionId);
        call.State.Events.Change(subscription, () => Schedules.Release(call.State, subscription));
        return schedule.Render();
    }
}
