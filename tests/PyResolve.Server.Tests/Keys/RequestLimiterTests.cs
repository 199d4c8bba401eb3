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

    [Theory]
    [InlineData(30)]
    [InlineData(7)]
    [InlineData(600)]
    public void Requests_at_exactly_the_permitted_rate_are_never_refused_however_early_or_late_each_of_them_is(int limit)
    {
        var key = Ids.Create(_clock.GetUtcNow());
        var (random, start, sent) = (new Random(limit), _clock.GetUtcNow(), TimeSpan.Zero);
        for (var i = 0; i < limit * 20; i++)
        {
            // Up to one interval late, so two may come almost together.
            var due = RequestLimiter.Window * ((i + random.NextDouble()) / limit);
            _clock.Advance(due - sent);
            sent = due;

            _limiters.Take(key, limit).IsAllowed.ShouldBeTrue($"request {i} after {_clock.GetUtcNow() - start}");
        }
    }

    [Fact]
    public void A_key_that_sends_faster_than_its_limit_gets_its_limit_and_is_told_how_long_to_wait()
    {
        var key = Ids.Create(_clock.GetUtcNow());
        for (var i = 0; i < 30; i++)
            _limiters.Take(key, 30).IsAllowed.ShouldBeTrue();

        var refused = _limiters.Take(key, 30);

        refused.ShouldBe(new RequestPermit(IsAllowed: false, 30, Remaining: 0, TimeSpan.FromSeconds(2)));
        _clock.Advance(refused.ResetsIn);
        _limiters.Take(key, 30).IsAllowed.ShouldBeTrue();
        _limiters.Take(key, 30).IsAllowed.ShouldBeFalse();
        var allowed = 0;
        for (var second = 0; second < 600; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            allowed += _limiters.Take(key, 30).IsAllowed ? 1 : 0;
        }

        allowed.ShouldBe(300);
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
