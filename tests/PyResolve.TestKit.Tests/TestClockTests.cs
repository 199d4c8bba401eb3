namespace PyResolve.TestKit.Tests;

public sealed class TestClockTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 15, 12, 0, 0, TimeSpan.Zero);

    private readonly TestClock _clock = new(Noon);

    [Fact]
    public void Time_stands_still_until_it_is_moved()
    {
        var before = _clock.GetTimestamp();

        _clock.GetUtcNow().ShouldBe(Noon);
        _clock.Advance(TimeSpan.FromMinutes(5));

        _clock.GetUtcNow().ShouldBe(Noon.AddMinutes(5));
        _clock.GetElapsedTime(before).ShouldBe(TimeSpan.FromMinutes(5));
    }

    [Fact]
    public void Timers_fire_in_the_order_they_are_due_and_see_the_instant_they_were_due_at()
    {
        List<string> fired = [];
        using var late = Timer("late", fired, TimeSpan.FromSeconds(20));
        using var early = Timer("early", fired, TimeSpan.FromSeconds(10));

        _clock.Advance(TimeSpan.FromSeconds(30));

        fired.ShouldBe(["early 12:00:10", "late 12:00:20"]);
    }

    [Fact]
    public void A_periodic_timer_fires_as_often_as_it_is_due()
    {
        List<string> fired = [];
        using var timer = Timer("tick", fired, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));

        _clock.Advance(TimeSpan.FromSeconds(20.9));
        fired.ShouldBe(["tick 12:00:01", "tick 12:00:11"]);

        _clock.Advance(TimeSpan.FromSeconds(0.1));
        fired.Count.ShouldBe(3);
    }

    [Fact]
    public void After_a_jump_each_timer_that_fell_due_fires_once_and_then_as_before()
    {
        List<string> fired = [];
        using var tick = Timer("tick", fired, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10));
        using var once = Timer("once", fired, TimeSpan.FromSeconds(1));
        using var later = Timer("later", fired, TimeSpan.FromDays(8));

        _clock.Jump(TimeSpan.FromDays(7));
        fired.ShouldBe(["once 12:00:00", "tick 12:00:00"]);

        _clock.Advance(TimeSpan.FromSeconds(10));
        fired[2..].ShouldBe(["tick 12:00:10"]);
    }

    [Fact]
    public void A_timer_that_is_disposed_stopped_or_not_yet_due_does_not_fire()
    {
        List<string> fired = [];
        Timer("disposed", fired, TimeSpan.FromSeconds(1)).Dispose();
        using var stopped = Timer("stopped", fired, TimeSpan.FromSeconds(1));
        stopped.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan).ShouldBeTrue();
        using var later = Timer("later", fired, TimeSpan.FromSeconds(3));

        _clock.Advance(TimeSpan.FromSeconds(2));

        fired.ShouldBeEmpty();
    }

    [Fact]
    public void A_timer_made_by_a_timer_fires_within_the_same_advance()
    {
        List<string> fired = [];
        ITimer? second = null;
        using var first = _clock.CreateTimer(
            _ => second = Timer("second", fired, TimeSpan.FromSeconds(1)), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);

        _clock.Advance(TimeSpan.FromSeconds(2));

        fired.ShouldBe(["second 12:00:02"]);
        second?.Dispose();
    }

    [Fact]
    public async Task A_delay_and_a_timed_cancellation_end_when_their_time_has_come()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var delay = Task.Delay(TimeSpan.FromMinutes(1), _clock, cancellation);
        using var timed = new CancellationTokenSource(TimeSpan.FromMinutes(1), _clock);

        _clock.PendingTimers.ShouldBe(2);
        _clock.Advance(TimeSpan.FromSeconds(59));
        delay.IsCompleted.ShouldBeFalse();
        timed.IsCancellationRequested.ShouldBeFalse();

        _clock.Advance(TimeSpan.FromSeconds(1));
        await delay.WaitAsync(TimeSpan.FromSeconds(10), cancellation);
        timed.IsCancellationRequested.ShouldBeTrue();
        _clock.PendingTimers.ShouldBe(0);
    }

    [Fact]
    public async Task A_timer_due_at_once_fires_without_an_advance_but_not_within_its_creation()
    {
        using var created = new ManualResetEventSlim();
        var fired = new TaskCompletionSource<bool>();

        await using var timer = _clock.CreateTimer(
            _ => fired.TrySetResult(created.Wait(TimeSpan.FromSeconds(10))), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        created.Set();

        (await fired.Task).ShouldBeTrue();
    }

    [Fact]
    public void A_clock_set_back_changes_the_date_and_nothing_else()
    {
        List<string> fired = [];
        using var timer = Timer("due", fired, TimeSpan.FromSeconds(10));
        var before = _clock.GetTimestamp();

        _clock.SetUtcNow(Noon.AddDays(-1));
        _clock.GetUtcNow().ShouldBe(Noon.AddDays(-1));
        _clock.GetTimestamp().ShouldBe(before);

        _clock.Advance(TimeSpan.FromSeconds(10));
        fired.ShouldBe(["due 12:00:10"]);
    }

    [Fact]
    public void A_clock_set_forward_fires_what_fell_due_at_the_instant_that_was_set()
    {
        List<string> fired = [];
        using var timer = Timer("due", fired, TimeSpan.FromHours(1));

        _clock.SetUtcNow(Noon.AddMonths(1));

        fired.ShouldBe(["due 12:00:00"]);
        _clock.GetUtcNow().ShouldBe(Noon.AddMonths(1));
    }

    private ITimer Timer(string name, List<string> fired, TimeSpan due, TimeSpan? period = null) => _clock.CreateTimer(
        _ => fired.Add($"{name} {_clock.GetUtcNow():HH:mm:ss}"), null, due, period ?? Timeout.InfiniteTimeSpan);
}
