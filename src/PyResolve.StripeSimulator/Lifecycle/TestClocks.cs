using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class TestClocks
{
    /// <summary>Lives through everything up to a moment, for the customers of one clock.</summary>
    public static void Advance(World world, TestClock clock, long to)
    {
        clock.FrozenTime = to;
        world.Events.Emit(clock, "advancing");
        Passage.CatchUp(world, clock);
        world.Events.Emit(clock, "ready");
    }

    /// <summary>Its customers go with it.</summary>
    public static void Delete(World world, TestClock clock)
    {
        foreach (var customer in world.Customers.All.Where(customer => customer.TestClockId == clock.Id && !customer.IsDeleted).ToList())
            Customers.Delete(world, customer);
        var last = clock.Render();
        clock.IsDeleted = true;
        world.Events.Emit("test_helpers.test_clock.deleted", last);
    }
}
