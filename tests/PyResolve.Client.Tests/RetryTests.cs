using System.Diagnostics;

namespace PyResolve.Client.Tests;

/// <summary>Requests that are safe to repeat are retried within the call's time limit, and outages are remembered.</summary>
public sealed class RetryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_late_answer_is_requested_again_within_the_time_of_one_call()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", Answer.Never, Answer.Quota(2));
        await using var client = server.Client(options => options.RequestTimeout = TimeSpan.FromSeconds(2));

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(2);

        server.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_reservation_with_a_late_answer_is_requested_again_and_made_once()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        server.AnswerNever("POST /quota/reservations", count: 1).AnswerNever("POST /quota/reservations/*/commit", count: 1);
        await using var client = server.Client(options => options.RequestTimeout = TimeSpan.FromSeconds(2));

        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
        await permit.CompleteAsync(new(), Cancellation);

        (ledger.Reservations, ledger.Charges, server.Requests.Count).ShouldBe((1, 1, 4));
    }

    [Fact]
    public async Task A_server_that_never_answers_costs_only_the_time_of_one_call()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /quota", Answer.Never).Client(options => options.RequestTimeout = TimeSpan.FromSeconds(1));
        var watch = Stopwatch.StartNew();

        (await Should.ThrowAsync<PyResolveException>(client.GetQuotaAsync(Cancellation))).Code.ShouldBe(PyResolveErrorCodes.Timeout);

        watch.Elapsed.ShouldBeInRange(TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(3));
        server.Requests.Count.ShouldBeInRange(2, 3);
    }

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task A_read_is_retried_after_transient_failures(Answer failure)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /quota", failure, Answer.Quota(1)).Client();

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);
    }

    public static TheoryData<Answer> Passing() =>
    [
        Answer.ConnectionClosed, Answer.Busy(0), Answer.Html(502),
        Answer.Problem(429, "rate_limited", "Slower.") with { Headers = Answer.Busy(0).Headers },
    ];

    [Theory]
    [InlineData(400, "malformed")]
    [InlineData(401, "unauthenticated")]
    [InlineData(500, "internal")]
    [InlineData(503, "billing_not_configured")]
    public async Task Permanent_failures_are_not_retried(int status, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /quota", Answer.Problem(status, code, "No.")).Client();

        await Should.ThrowAsync<PyResolveException>(client.GetQuotaAsync(Cancellation));

        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_retry_date_is_read_by_the_servers_clock()
    {
        await using var server = await ScriptedServer.StartAsync();
        var busy = Answer.Busy(0) with
        {
            Headers = new Dictionary<string, string>
            {
                ["Date"] = "Fri, 31 Dec 2100 23:59:00 GMT",
                ["Retry-After"] = "Fri, 31 Dec 2100 23:59:30 GMT",
            },
        };
        await using var client = server.On("GET /quota", busy).Client();

        (await Should.ThrowAsync<PyResolveException>(client.GetQuotaAsync(Cancellation))).RetryAfter.ShouldBe(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task During_a_remembered_outage_calls_fail_at_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        var clock = new ShiftedClock();
        server.On("POST /quota/reservations", Answer.ConnectionClosed).On("GET /quota", Answer.Quota(1));
        await using var client = server.ClientWithClock(clock, options => options.Offline = OfflinePolicy.Deny);
        await Should.ThrowAsync<PyResolveException>(client.Quota.AcquireAsync(new("pydantic"), Cancellation));
        var asked = server.Requests.Count;

        (await Should.ThrowAsync<PyResolveException>(client.Quota.AcquireAsync(new("pydantic"), Cancellation)))
            .Code.ShouldBe(PyResolveErrorCodes.Unreachable);
        (await Should.ThrowAsync<PyResolveException>(client.Quota.CheckAsync(cancellationToken: Cancellation)))
            .Code.ShouldBe(PyResolveErrorCodes.Unreachable);
        server.Requests.Count.ShouldBe(asked);

        clock.Advance(TimeSpan.FromSeconds(16));
        (await client.Quota.CheckAsync(cancellationToken: Cancellation)).IsAllowed.ShouldBeTrue();
    }

    [Fact]
    public async Task Any_answer_ends_an_outage()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.LoseAnswers("POST /quota/reservations", 3).Client(options => options.Offline = OfflinePolicy.Deny);
        await Should.ThrowAsync<PyResolveException>(client.Quota.AcquireAsync(new("pydantic"), Cancellation));

        client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsGranted.ShouldBeTrue();
        ledger.Charges.ShouldBe(1);
    }
}
