using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Hosting;

public sealed class LookScheduleTests
{
    private readonly TestClock _clock = new();
    private readonly TestClock _pace = new();
    private readonly LookSchedule _schedule;
    private long _commits;

    public LookScheduleTests() => _schedule = new LookSchedule(() => _commits, _clock, _pace);

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

        _commits++;

        Look().ShouldBeTrue();
        Look().ShouldBeFalse();
    }

    [Fact]
    public void What_is_written_during_a_look_is_looked_at_after_it()
    {
        _schedule.TryBegin();

        _commits++;
        _schedule.End(next: null);

        Look().ShouldBeTrue();
    }

    [Fact]
    public void A_look_that_fails_is_repeated()
    {
        Look();
        _commits++;
        _schedule.TryBegin().ShouldBeTrue();

        Look().ShouldBeTrue();
    }

    [Fact]
    public void What_other_instances_left_is_looked_for_every_half_minute()
    {
        Look();

        _pace.Advance(LookSchedule.Longest - TimeSpan.FromTicks(1));
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
