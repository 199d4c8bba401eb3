using PyResolve.Server.Keys;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Keys;

public sealed class RequestLimiterTests
{
    private readonly TestClock _clock = new();
    private readonly RequestLimiters _limiters;

    public RequestLimiterTests() => _limiters = new RequestLimiters(_clock);

    [Fact]
    public void A_limiter_is_removed_after_its_window_and_not_before()
    {
        var (early, late) = (Ids.Create(_clock.GetUtcNow()), Ids.Create(_clock.GetUtcNow()));
        _limiters.Take(early, 1);
        _clock.Advance(TimeSpan.FromSeconds(59));
        _limiters.Take(late, 1).IsAllowed.ShouldBeTrue();
        _clock.Advance(TimeSpan.FromSeconds(1));

        // The first to come after a minute sweeps.
        _limiters.Take(late, 1).IsAllowed.ShouldBeFalse();

        _limiters.Count.ShouldBe(1);
        _clock.Advance(TimeSpan.FromSeconds(58));
        _limiters.Take(late, 1).IsAllowed.ShouldBeFalse();
        _clock.Advance(TimeSpan.FromSeconds(1));
        _limiters.Take(late, 1).IsAllowed.ShouldBeTrue();
    }

    [Fact]
    public async Task Sweeps_that_race_with_requests_never_double_a_window()
    {
        const int Limit = 100;
        var keys = Enumerable.Range(0, 20).Select(_ => Ids.Create(_clock.GetUtcNow())).ToArray();
        for (var minute = 0; minute < 200; minute++)
        {
            _clock.Advance(RequestLimiter.Window);
            var allowed = new int[keys.Length];

            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                for (var i = 0; i < keys.Length * Limit; i++)
                {
                    if (_limiters.Take(keys[i % keys.Length], Limit).IsAllowed)
                        Interlocked.Increment(ref allowed[i % keys.Length]);
                }
            })));

            allowed.ShouldAllBe(count => count == Limit);
        }
    }

    [Fact]
    public void Requests_before_a_limit_changed_still_count()
    {
        var key = Ids.Create(_clock.GetUtcNow());
        _limiters.Take(key, 5).Remaining.ShouldBe(4);
        _limiters.Take(key, 5).Remaining.ShouldBe(3);

        _limiters.Take(key, 3).Remaining.ShouldBe(0);
        _limiters.Take(key, 2).ShouldBe(new RequestPermit(IsAllowed: false, 2, Remaining: 0, RequestLimiter.Window));
    }
}
