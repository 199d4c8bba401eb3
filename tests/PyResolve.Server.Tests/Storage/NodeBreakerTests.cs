using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

public sealed class NodeBreakerTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private readonly TestClock _clock = new();
    private readonly NodeBreaker _breaker;

    public NodeBreakerTests() => _breaker = new NodeBreaker(_clock);

    [Fact]
    public void While_a_node_answers_all_requests_are_let_through()
    {
        var attempts = Enumerable.Range(0, 10).Select(_ => _breaker.Begin()).ToList();
        _clock.Advance(Limit);

        attempts.ForEach(static attempt => attempt.Answered());

        IsRefused().ShouldBeFalse();
    }

    [Fact]
    public void After_one_had_no_answer_others_are_refused_at_once_but_for_one_a_second_later()
    {
        Wait(_breaker.Begin());

        IsRefused().ShouldBeTrue();
        _clock.Advance(TimeSpan.FromSeconds(1));
        var probe = _breaker.Begin();
        IsRefused().ShouldBeTrue();
        Wait(probe);
        IsRefused().ShouldBeTrue();
    }

    [Fact]
    public void The_first_answer_lets_all_through_again()
    {
        Wait(_breaker.Begin());
        _clock.Advance(TimeSpan.FromSeconds(1));

        _breaker.Begin().Answered();

        Enumerable.Range(0, 10).ShouldAllBe(_ => !IsRefused());
    }

    [Fact]
    public void A_request_that_was_under_way_lets_all_through_when_it_is_answered()
    {
        var (first, second) = (_breaker.Begin(), _breaker.Begin());
        Wait(first);
        IsRefused().ShouldBeTrue();

        second.Answered();

        IsRefused().ShouldBeFalse();
    }

    [Fact]
    public void The_longer_a_node_does_not_answer_the_less_often_it_is_asked()
    {
        Wait(_breaker.Begin());
        var pauses = new List<double>();
        while (pauses.Count < 6)
        {
            var pause = 0.0;
            NodeBreaker.Attempt? probe;
            for (; IsRefused(out probe); pause += 0.5)
                _clock.Advance(TimeSpan.FromSeconds(0.5));
            Wait(probe!);
            pauses.Add(pause);
        }

        pauses.ShouldBe([1, 2, 4, 8, 15, 15]);
    }

    [Fact]
    public void A_slow_statement_refuses_nobody_while_the_node_answers_others()
    {
        var slow = _breaker.Begin();
        _clock.Advance(TimeSpan.FromSeconds(14));
        _breaker.Begin().Answered();
        _clock.Advance(TimeSpan.FromSeconds(1));

        slow.Dispose();

        IsRefused().ShouldBeFalse();
    }

    [Fact]
    public void What_fails_soon_or_with_an_answer_refuses_nobody()
    {
        _breaker.Begin().Dispose();
        var refused = _breaker.Begin();
        _clock.Advance(Limit);
        refused.Withdraw();

        IsRefused().ShouldBeFalse();
    }

    [Fact]
    public void One_that_had_no_connection_is_followed_by_another_a_second_later()
    {
        Wait(_breaker.Begin());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Wait(_breaker.Begin());
        _clock.Advance(TimeSpan.FromSeconds(2));
        _breaker.Begin().Withdraw();

        IsRefused().ShouldBeTrue();
        _clock.Advance(TimeSpan.FromSeconds(1));
        IsRefused().ShouldBeFalse();
    }

    [Fact]
    public void One_that_asks_for_long_is_followed_by_another()
    {
        Wait(_breaker.Begin());
        _clock.Advance(TimeSpan.FromSeconds(1));
        _ = _breaker.Begin();
        _clock.Advance(TimeSpan.FromSeconds(19));
        IsRefused().ShouldBeTrue();

        _clock.Advance(TimeSpan.FromSeconds(1));

        IsRefused().ShouldBeFalse();
    }

    /// <summary>Until the time limit, in vain.</summary>
    private void Wait(NodeBreaker.Attempt attempt)
    {
        _clock.Advance(Limit);
        attempt.Dispose();
    }

    private bool IsRefused() => IsRefused(out _);

    private bool IsRefused(out NodeBreaker.Attempt? attempt)
    {
        try
        {
            attempt = _breaker.Begin();
            return false;
        }
        catch (StoreUnavailableException)
        {
            attempt = null;
            return true;
        }
    }
}
