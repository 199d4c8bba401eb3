using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Hosting;

public sealed class LookScheduleTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly TestClock _clock = new();
    private readonly TestClock _pace = new();
    private readonly LookSchedule _schedule;
    private long _writes;

    public LookScheduleTests() => _schedule = new LookSchedule(Longest, () => _writes, _clock, _pace);

    [Fact]
    public void The_first_look_is_at_once_and_the_next_when_known_work_falls_due()
    {
        Look(next: _clock.GetUtcNow().AddSeconds(5)).ShouldBeTrue();

        _clock.Advance(TimeSpan.FromSeconds(4.9));
        Look().ShouldBeFalse();
        _clock.Advance(TimeSpan.FromSeconds(0.1));

        Look().ShouldBeTrue();
    }

    [Fact]
    public void What_this_instance_writes_is_looked_at_once()
    {
        Look();

        _writes++;

        Look().ShouldBeTrue();
        Look().ShouldBeFalse();
    }

    [Fact]
    public void What_is_written_during_a_look_is_looked_at_after_it()
    {
        _schedule.TryBegin();

        _writes++;
        _schedule.End(next: null);

        Look().ShouldBeTrue();
    }

    [Fact]
    public void A_look_that_fails_is_repeated_also_after_the_clock_was_set_back()
    {
        Look(next: _clock.GetUtcNow().AddSeconds(5));
        _clock.Advance(TimeSpan.FromSeconds(5));
        _schedule.TryBegin().ShouldBeTrue();

        _clock.SetUtcNow(_clock.GetUtcNow().AddMinutes(-1));

        Look().ShouldBeTrue();
    }

    [Fact]
    public void Work_that_is_still_due_after_a_look_is_looked_at_again()
    {
        Look(next: _clock.GetUtcNow());

        Look().ShouldBeTrue();
    }

    [Fact]
    public void What_other_processes_wrote_is_looked_for_after_the_longest_time()
    {
        Look();

        _pace.Advance(Longest - TimeSpan.FromTicks(1));
        Look().ShouldBeFalse();
        _pace.Advance(TimeSpan.FromTicks(1));

        Look().ShouldBeTrue();
    }

    private bool Look(DateTimeOffset? next = null)
    {
        if (!_schedule.TryBegin())
            return false;
        _schedule.End(next);
        return true;
    }
}
