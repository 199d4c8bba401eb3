using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

public sealed class DatabaseClockTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private readonly TestClock _machine = new();

    [Fact]
    public void It_runs_on_from_the_databases_answer_however_the_machines_clock_is_set()
    {
        var clock = new DatabaseClock(_machine);
        clock.GetUtcNow().ShouldBe(_machine.GetUtcNow());
        clock.MachineIsAheadBy.ShouldBeNull();

        Measure(clock, Noon, delay: TimeSpan.Zero);
        _machine.Advance(TimeSpan.FromMinutes(1));
        _machine.SetUtcNow(_machine.GetUtcNow().AddYears(-2));

        clock.GetUtcNow().ShouldBe(Noon.AddMinutes(1));
        clock.MachineIsAheadBy.ShouldNotBeNull().ShouldBeLessThan(TimeSpan.FromDays(-700));
    }

    [Fact]
    public void The_answer_is_taken_to_be_from_the_middle_of_the_wait()
    {
        var clock = new DatabaseClock(_machine);

        Measure(clock, Noon, delay: TimeSpan.FromMilliseconds(10));

        clock.GetUtcNow().ShouldBe(Noon.AddMilliseconds(5));
    }

    [Fact]
    public void A_slow_network_does_not_make_it_jump()
    {
        var clock = new DatabaseClock(_machine);
        Measure(clock, Noon, delay: TimeSpan.FromMilliseconds(1));
        var expected = clock.GetUtcNow();

        // The answer took its time on the way there, or on the way back.
        Measure(clock, expected.AddMilliseconds(390), delay: TimeSpan.FromMilliseconds(400));
        clock.GetUtcNow().ShouldBe(expected.AddMilliseconds(400));
        Measure(clock, expected.AddMilliseconds(410), delay: TimeSpan.FromMilliseconds(400));
        clock.GetUtcNow().ShouldBe(expected.AddMilliseconds(800));
    }

    [Theory]
    [InlineData(-600)]
    [InlineData(5)]
    [InlineData(63_072_000)]
    public void It_follows_a_database_whose_clock_is_set_or_another_database_after_a_failover(int seconds)
    {
        var clock = new DatabaseClock(_machine);
        Measure(clock, Noon, delay: TimeSpan.FromMilliseconds(1));

        Measure(clock, Noon.AddSeconds(seconds), delay: TimeSpan.FromMilliseconds(400));

        clock.GetUtcNow().ShouldBe(Noon.AddSeconds(seconds).AddMilliseconds(200));
    }

    [Fact]
    public void Two_clocks_that_drift_apart_are_brought_together()
    {
        var clock = new DatabaseClock(_machine);
        Measure(clock, Noon, delay: TimeSpan.FromMilliseconds(1));

        _machine.Advance(TimeSpan.FromHours(1));
        Measure(clock, Noon.AddHours(1).AddMilliseconds(60), delay: TimeSpan.FromMilliseconds(2));

        clock.GetUtcNow().ShouldBe(Noon.AddHours(1).AddMilliseconds(61));
    }

    private void Measure(DatabaseClock clock, DateTimeOffset instant, TimeSpan delay)
    {
        var askedAt = _machine.GetTimestamp();
        _machine.Advance(delay);
        clock.Set(instant, askedAt, _machine.GetTimestamp());
    }
}
