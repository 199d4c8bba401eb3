namespace PyResolve.Client.Tests.Quota;

public sealed class LostAnswerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task After_lost_answers_the_same_ids_are_sent_again_and_charged_once(int lost)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        server.LoseAnswers("POST /quota/reservations", lost).LoseAnswers("POST /quota/reservations/*/commit", lost);
        await using var client = server.Client();

        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
        await permit.CompleteAsync(new() { FilesChanged = 1 }, Cancellation);

        (ledger.Reservations, ledger.Charges).ShouldBe((1, 1));
        server.Requests.Count.ShouldBe(2 * (lost + 1));
        server.Requests.Where(request => request.Path == "/quota/reservations").Select(request => request.Header("Idempotency-Key"))
            .Distinct().Count().ShouldBe(1);
        server.Requests.Where(request => request.Path.EndsWith("/commit", StringComparison.Ordinal)).Select(request => request.Body)
            .Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task After_three_lost_answers_the_call_fails()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.LoseAnswers("POST /quota/reservations", 3).Client(options => options.Offline = OfflinePolicy.Deny);

        (await Should.ThrowAsync<PyResolveException>(client.Quota.AcquireAsync(new("pydantic"), Cancellation)))
            .Code.ShouldBe(PyResolveErrorCodes.Unreachable);

        (server.Requests.Count, ledger.Reservations).ShouldBe((3, 1));
    }

    [Fact]
    public async Task A_completion_that_failed_can_be_called_again_and_charges_once()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.LoseAnswers("POST /quota/reservations/*/commit", 3).Client();
        await using var permit = await client.Quota.AcquireAsync(new("pydantic") { Quantity = 2 }, Cancellation);
        await Should.ThrowAsync<PyResolveException>(permit.CompleteAsync(new(), Cancellation));

        await permit.CompleteAsync(new(), Cancellation);

        permit.IsSettled.ShouldBeTrue();
        ledger.Charges.ShouldBe(1);
    }

    [Fact]
    public async Task Two_permits_are_two_reservations()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.Client();

        await using var first = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
        await using var second = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        ledger.Reservations.ShouldBe(2);
    }

    [Fact]
    public async Task A_busy_server_is_asked_again_after_a_short_wait()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On(
            "POST /quota/reservations",
            Answer.Busy(0), Answer.Busy(1), Answer.Json(201, """{"id":"00000000-0000-0000-0000-000000000001","state":"held"}"""));
        await using var client = server.Client();
        var watch = System.Diagnostics.Stopwatch.StartNew();

        var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        permit.IsGranted.ShouldBeTrue();
        watch.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(1));
        server.Requests.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_long_wait_is_left_to_the_caller()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /quota/reservations", Answer.Busy(60)).Client();

        (await Should.ThrowAsync<PyResolveException>(client.Quota.AcquireAsync(new("pydantic"), Cancellation)))
            .RetryAfter.ShouldBe(TimeSpan.FromMinutes(1));

        server.Requests.Count.ShouldBe(1);
    }
}
