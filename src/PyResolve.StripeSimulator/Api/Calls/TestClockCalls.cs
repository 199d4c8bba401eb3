using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class TestClockCalls
{
    private const string Kind = "test_clock";

    public static JsonObject Create(ApiCall call)
    {
        var world = call.World;
        var clock = world.TestClocks.Add(new TestClock
        {
            Id = world.Ids.Next("clock"),
            Created = world.Now,
            Name = call.Form.Text("name"),
            FrozenTime = call.Form.Number("frozen_time")!.Value,
        });
        world.Events.Emit(clock, "created");
        return clock.Render();
    }

    public static JsonObject Get(ApiCall call) => call.InPath(call.World.TestClocks, Kind).Render();

    public static JsonObject List(ApiCall call) => Lists.Page(
        call, "/v1/test_helpers/test_clocks", Kind, call.World.TestClocks.NewestFirst.Where(static clock => !clock.IsDeleted));

    public static JsonObject Advance(ApiCall call)
    {
        var clock = Living(call);
        var to = call.Form.Number("frozen_time")!.Value;
        if (to <= clock.FrozenTime)
            throw StripeException.Invalid("The `frozen_time` must be after the clock's current `frozen_time`.", "frozen_time");
        TestClocks.Advance(call.World, clock, to);
        // At Stripe this takes a while, and the answer says so; who asks again finds it ready.
        return clock.Render("advancing");
    }

    public static JsonObject Delete(ApiCall call)
    {
        var clock = Living(call);
        TestClocks.Delete(call.World, clock);
        return clock.Render();
    }

    private static TestClock Living(ApiCall call) => call.InPath(call.World.TestClocks, Kind) is { IsDeleted: false } clock
        ? clock
        : throw StripeException.Missing(Kind, call.Id);
}
