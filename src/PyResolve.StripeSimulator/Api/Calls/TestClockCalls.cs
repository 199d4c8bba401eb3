using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class TestClockCalls
{
    private const string Kind = "test_clock";

    public static JsonObject Create(ApiCall call)
    {
        var state = call.State;
        var clock = state.TestClocks.Add(new TestClock
        {
            Id = state.Ids.Next("clock"),
            Created = state.Now,
            Name = call.Form.Text("name"),
            FrozenTime = call.Form.Number("frozen_time")!.Value,
        });
        state.Events.Emit(clock, "created");
        return clock.Render();
    }

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.TestClocks, Kind).Render();

    public static JsonObject List(ApiCall call) => Lists.Page(
        call, "/v1/test_helpers/test_clocks", Kind, call.State.TestClocks.NewestFirst.Where(static clock => !clock.IsDeleted));

    public static JsonObject Advance(ApiCall call)
    {
        var clock = FindExisting(call);
        var to = call.Form.Number("frozen_time")!.Value;
        if (to <= clock.FrozenTime)
            throw ApiErrorException.Invalid("The `frozen_time` must be after the clock's current `frozen_time`.", "frozen_time");
        TestClocks.Advance(call.State, clock, to);
        // Stripe advances in the background: the first answer says "advancing", the next one "ready".
        return clock.Render("advancing");
    }

    public static JsonObject Delete(ApiCall call)
    {
        var clock = FindExisting(call);
        TestClocks.Delete(call.State, clock);
        return clock.Render();
    }

    private static TestClock FindExisting(ApiCall call) => call.GetByPath(call.State.TestClocks, Kind) is { IsDeleted: false } clock
        ? clock
        : throw ApiErrorException.Missing(Kind, call.Id);
}
