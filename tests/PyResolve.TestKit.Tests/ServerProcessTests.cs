using System.Net;

namespace PyResolve.TestKit.Tests;

public sealed class ServerProcessTests
{
    [Fact]
    public async Task A_killed_server_can_be_restarted_on_its_address()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var server = await ServerProcess.StartAsync(cancellationToken: cancellation);
        var first = server.ProcessId;

        await server.KillAsync();
        await Should.ThrowAsync<HttpRequestException>(() => server.Http.GetAsync("/health", cancellation));
        await server.RestartAsync(cancellation);

        (await server.Http.GetAsync("/health/ready", cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        server.ProcessId.ShouldNotBe(first);
    }

    [Fact]
    public async Task A_server_asked_to_stop_ends_gracefully_and_can_be_started_again()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var server = await ServerProcess.StartAsync(cancellationToken: cancellation);

        await server.StopAsync();
        await server.RestartAsync(cancellation);

        (await server.Http.GetAsync("/health/ready", cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_server_that_cannot_start_fails_at_once_with_its_log()
    {
        var wrong = new Dictionary<string, string?> { ["ASPNETCORE_URLS"] = "no-address" };

        var failure = await Should.ThrowAsync<InvalidOperationException>(
            () => ServerProcess.StartAsync(wrong, TestContext.Current.CancellationToken));

        failure.Message.ShouldContain("instead of serving");
        failure.Message.ShouldContain("no-address");
    }
}
