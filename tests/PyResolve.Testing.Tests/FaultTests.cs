namespace PyResolve.Testing.Tests;

public sealed class FaultTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Offline_nothing_arrives_and_online_again_everything_works()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.IsOffline = true;

        var exception = await FailAsync(client.GetQuotaAsync(Cancellation));
        (exception.Code, server.Requests.Count).ShouldBe((PyResolveErrorCodes.Unreachable, 0));
        exception.Message.ShouldContain("connection refused");

        server.IsOffline = false;
        (await client.GetQuotaAsync(Cancellation)).Plan.ShouldBe("free");
    }

    [Fact]
    public async Task Usage_reported_offline_is_sent_by_the_next_client()
    {
        await using var server = FakePyResolveServer.Start();
        server.IsOffline = true;
        await using (var client = server.CreateClient(options => options.ShutdownTimeout = TimeSpan.Zero))
            client.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();
        server.Account.Events.ShouldBeEmpty();

        server.Heal();
        await using var next = server.CreateClient();
        await next.Usage.FlushAsync(Cancellation);

        server.Account.Events.ShouldHaveSingleItem().EventType.ShouldBe("scan");
    }

    [Fact]
    public async Task A_dropped_request_does_nothing_and_a_dropped_answer_loses_only_the_answer()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.Inject(Fault.DropRequest, "POST /usage");
        server.Inject(Fault.DropAnswer, "POST /usage");

        (await FailAsync(client.RecordUsageAsync(new() { EventType = "scan" }, Cancellation))).Code
            .ShouldBe(PyResolveErrorCodes.Unreachable);
        server.Account.Events.Count.ShouldBe(0);
        (await FailAsync(client.RecordUsageAsync(new() { EventType = "scan" }, Cancellation))).Code
            .ShouldBe(PyResolveErrorCodes.Unreachable);
        server.Account.Events.Count.ShouldBe(1);
        await client.RecordUsageAsync(new() { EventType = "scan" }, Cancellation);
        server.Account.Events.Count.ShouldBe(2);
    }

    [Theory]
    [MemberData(nameof(WrongBytes))]
    public async Task Wrong_bytes_are_an_invalid_answer(Fault fault, string said)
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.Inject(fault);

        var exception = await FailAsync(client.GetQuotaAsync(Cancellation));

        exception.Code.ShouldBe(PyResolveErrorCodes.UnexpectedAnswer);
        exception.Message.ShouldContain(said);
    }

    public static TheoryData<Fault, string> WrongBytes() => new()
    {
        { Fault.CaptivePortal, "text/html" },
        { Fault.CorruptAnswer, "JSON of another shape" },
        { Fault.Answer(200, "application/json", "[]"), "JSON of another shape" },
    };

    [Fact]
    public async Task An_injected_error_has_the_given_code_and_wait()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.Inject(Fault.Status(503, retryAfter: TimeSpan.FromMinutes(1)), "GET /quota");

        (await client.GetAccountAsync(Cancellation)).Plan.ShouldBe("free");
        var exception = await FailAsync(client.GetQuotaAsync(Cancellation));

        (exception.Status, exception.Code, exception.RetryAfter).ShouldBe((503, ProblemCodes.Unavailable, TimeSpan.FromMinutes(1)));
        (await client.GetQuotaAsync(Cancellation)).Plan.ShouldBe("free");
    }

    [Fact]
    public async Task A_fault_lasts_for_the_given_number_of_requests_or_until_it_is_removed()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.Inject(Fault.Status(500), times: 2);
        server.Inject(Fault.Status(401), times: int.MaxValue);

        for (var i = 0; i < 4; i++)
            (await FailAsync(client.GetQuotaAsync(Cancellation))).Status.ShouldBe(i < 2 ? 500 : 401);
        server.Heal();

        (await client.GetQuotaAsync(Cancellation)).Plan.ShouldBe("free");
    }

    [Fact]
    public async Task A_delayed_answer_arrives_when_the_clock_is_moved()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient(options => options.RequestTimeout = TimeSpan.FromMinutes(10));
        server.Inject(Fault.Delay(TimeSpan.FromMinutes(4)));
        var asking = client.GetQuotaAsync(Cancellation);
        await Eventually.IsTrueAsync(() => server.Requests.Count == 1, cancellationToken: Cancellation);

        asking.IsCompleted.ShouldBeFalse();
        server.Clock.Advance(TimeSpan.FromMinutes(4));

        (await asking).Plan.ShouldBe("free");
    }

    [Fact]
    public async Task A_server_that_hangs_takes_the_timeout_of_a_call()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient(options => options.RequestTimeout = TimeSpan.FromHours(0.1));
        server.Inject(Fault.Hang, times: int.MaxValue);
        var recording = client.RecordUsageAsync(new() { EventType = "scan" }, Cancellation);
        await Eventually.IsTrueAsync(() => server.Requests.Count == 1, cancellationToken: Cancellation);

        server.Clock.Advance(TimeSpan.FromHours(0.1));

        (await FailAsync(recording)).Code.ShouldBe(PyResolveErrorCodes.Timeout);
        server.Account.Events.ShouldBeEmpty();
    }

    [Fact]
    public async Task Latency_delays_every_answer()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.Latency = TimeSpan.FromMilliseconds(50);
        var start = TimeProvider.System.GetTimestamp();

        await client.GetQuotaAsync(Cancellation);
        await client.GetQuotaAsync(Cancellation);

        TimeProvider.System.GetElapsedTime(start).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(95));
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("/usage")]
    [InlineData("POST usage")]
    [InlineData("")]
    public void An_invalid_route_is_refused(string route)
    {
        using var server = FakePyResolveServer.Start();

        Should.Throw<ArgumentException>(() => server.Inject(Fault.Hang, route));
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);
}
