namespace PyResolve.Testing.Tests;

public sealed class FakeClockTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 15, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_runs_from_its_start_and_can_be_moved()
    {
        await using var server = FakePyResolveServer.Start(new() { StartAt = Start });
        var (before, timestamp) = (server.Clock.GetUtcNow(), server.Clock.GetTimestamp());

        server.Clock.Advance(TimeSpan.FromDays(30));

        before.ShouldBe(Start, TimeSpan.FromMinutes(1));
        server.Clock.GetUtcNow().ShouldBe(Start.AddDays(30), TimeSpan.FromMinutes(1));
        server.Clock.GetElapsedTime(timestamp).ShouldBe(TimeSpan.FromDays(30), TimeSpan.FromMinutes(1));
        (await server.CreateClient().GetQuotaAsync(Cancellation)).Month.ShouldBe("2026-12");
        Should.Throw<ArgumentOutOfRangeException>(() => server.Clock.Advance(TimeSpan.FromSeconds(-1)));
    }

    [Fact]
    public async Task A_wait_ends_when_the_clock_is_past_it()
    {
        using var server = FakePyResolveServer.Start();
        var waiting = Task.Delay(TimeSpan.FromHours(2), server.Clock, Cancellation);

        server.Clock.Advance(TimeSpan.FromHours(1));
        waiting.IsCompleted.ShouldBeFalse();
        server.Clock.Advance(TimeSpan.FromHours(1));

        await waiting.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
    }

    [Fact]
    public async Task A_periodic_timer_continues_after_a_move()
    {
        using var server = FakePyResolveServer.Start();
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), server.Clock);

        for (var i = 0; i < 3; i++)
        {
            var tick = timer.WaitForNextTickAsync(Cancellation);
            server.Clock.Advance(TimeSpan.FromHours(1));
            (await tick).ShouldBeTrue();
        }
    }

    [Fact]
    public void It_can_be_set_back_and_continues()
    {
        using var server = FakePyResolveServer.Start(new() { StartAt = Start });
        var waiting = Task.Delay(TimeSpan.FromHours(2), server.Clock, Cancellation);
        var timestamp = server.Clock.GetTimestamp();

        server.Clock.SetUtcNow(Start.AddDays(-1));
        server.Clock.GetUtcNow().ShouldBe(Start.AddDays(-1), TimeSpan.FromMinutes(1));
        server.Clock.SetUtcNow(Start.AddDays(1));

        server.Clock.GetElapsedTime(timestamp).ShouldBeLessThan(TimeSpan.FromMinutes(1));
        waiting.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public void A_stopped_clock_shows_the_same_instant_until_it_is_moved()
    {
        using var server = FakePyResolveServer.Start(new() { StartAt = Start });

        server.Clock.IsStopped = true;
        server.Clock.GetUtcNow().ShouldBe(Start);
        server.Clock.Advance(TimeSpan.FromSeconds(1));
        server.Clock.GetUtcNow().ShouldBe(Start.AddSeconds(1));
        server.Clock.SetUtcNow(Start);
        server.Clock.GetUtcNow().ShouldBe(Start);
        server.Clock.IsStopped = false;

        server.Clock.GetUtcNow().ShouldBe(Start, TimeSpan.FromMinutes(1));
    }
}
