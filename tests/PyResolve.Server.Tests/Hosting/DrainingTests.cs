using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>A server that is told to stop is taken out by its load balancer before it refuses anything.</summary>
public sealed class DrainingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task On_SIGTERM_readiness_ends_first_and_requests_are_served_until_the_time_is_over()
    {
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?> { ["PyResolve__DrainSeconds"] = "4" }, Cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        var anyone = new Caller(server.Http);

        var stopping = server.StopAsync();
        await Eventually.IsTrueAsync(
            async () => (await anyone.GetAsync("/health/ready")).Status == 503, TimeSpan.FromSeconds(3), Cancellation);

        (await anyone.GetAsync("/health/ready")).ShouldBeProblem(503, "unavailable").Detail.ShouldBe("The server is being stopped.");
        var answer = await account.Key.PostAsync("/usage", new { event_type = "scan" });
        (answer.Status, answer.Headers.ConnectionClose).ShouldBe((200, true));
        (await account.ReserveAsync()).Status.ShouldBe(201);
        stopping.IsCompleted.ShouldBeFalse();
        await stopping;
    }

    [Fact]
    public async Task A_time_that_is_no_number_of_seconds_stops_the_start()
    {
        var result = await ServerProcess.RunAsync(
            [], new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = Path.GetTempPath(), ["PyResolve__DrainSeconds"] = "10s" },
            Cancellation);

        result.ExitCode.ShouldBe(2);
        result.Error.ShouldContain("PyResolve:DrainSeconds is '10s'; it is a number from 0 to 600.");
    }
}
