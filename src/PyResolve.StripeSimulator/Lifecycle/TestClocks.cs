using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class TestClocks
{
    public static void Advance(StripeState state, TestClock clock, long to)
    {
        clock.FrozenTime = to;
        state.Events.Emit(clock, "advancing");
        DueChanges.Apply(state, clock);
        state.Events.Emit(clock, "ready");
    }

    public static void Delete(StripeState state, TestClock clock)
    {
        foreach (var customer in state.Customers.All.Where(customer => customer.TestClockId == clock.Id && !customer.IsDeleted).ToList())
            Customers.Delete(state, customer);
        var last = clock.Render();
        clock.IsDeleted = true;
        state.Events.Emit("test_helpers.test_clock.deleted", last);
    }
}
