using System.Diagnostics;
using System.Text.Json;

namespace PyResolve.Client.Tests.Usage;

public sealed class UsageReporterTests
{
    private static readonly Answer Recorded = Answer.Json(200, """{"status":"recorded"}""");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reported_events_arrive_with_an_id_and_a_time()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /usage", Recorded).Client();
        var before = TimeProvider.System.GetUtcNow().AddMilliseconds(-1);

        var result = client.Usage.Report(new("scan") { Library = "pydantic", Tier = MigrationTier.Tier1, FilesChanged = 2 });
        await client.Usage.FlushAsync(Cancellation);

        result.IsAccepted.ShouldBeTrue();
        var sent = JsonDocument.Parse(server.Requests.Single().Body).RootElement;
        sent.GetProperty("event_type").GetString().ShouldBe("scan");
        sent.GetProperty("tier").GetString().ShouldBe("tier1");
        sent.GetProperty("id").GetGuid().ShouldBe(result.EventId.ShouldNotBeNull());
        sent.GetProperty("occurred_at").GetDateTimeOffset().ShouldBeInRange(before, TimeProvider.System.GetUtcNow());
        (client.Usage.Pending, client.Usage.Sent, client.Usage.Rejected).ShouldBe((0, 1, 0));
    }

    [Fact]
    public async Task After_a_lost_answer_the_same_event_is_sent_again_and_recorded_once()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.LoseAnswers("POST /usage", 2).Client();

        client.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();
        await client.Usage.FlushAsync(Cancellation);

        ledger.Charges.ShouldBe(1);
        server.Requests.Count.ShouldBe(3);
        server.Requests.Select(request => request.Body).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_thousand_events_from_many_threads_arrive_each_once()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.Client();

        await Parallel.ForAsync(0, 1000, Cancellation, (_, _) =>
        {
            client.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();
            return ValueTask.CompletedTask;
        });
        await client.Usage.FlushAsync(Cancellation);

        (ledger.Charges, client.Usage.Sent).ShouldBe((1000, 1000L));
        server.Requests.Count.ShouldBeLessThan(1000);
    }

    [Fact]
    public async Task Reporting_does_not_wait_even_when_the_server_hangs()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /usage", Answer.Never).On("POST /usage/batch", Answer.Never);
        await using var client = server.Client(options => options.ShutdownTimeout = TimeSpan.Zero);
        var watch = Stopwatch.StartNew();

        for (var i = 0; i < 1000; i++)
            client.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));
        client.Usage.Pending.ShouldBe(1000);
    }

    [Fact]
    public async Task A_full_queue_refuses_and_says_so()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /usage", Answer.Never);
        await using var client = server.Client(options => (options.OutboxCapacity, options.ShutdownTimeout) = (3, TimeSpan.Zero));
        for (var i = 0; i < 3; i++)
            client.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();

        var result = client.Usage.Report(new("scan"));

        (result.IsAccepted, result.Refusal).ShouldBe((false, ReportRefusal.Full));
        result.Reason.ShouldNotBeNull().ShouldStartWith("3 events already wait for the server.");
        client.Usage.Pending.ShouldBe(3);
    }

    [Fact]
    public async Task Without_a_key_and_after_disposal_a_report_is_refused()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var keyless = server.Client(options => options.ApiKey = null);
        var disposed = server.Client();
        await disposed.DisposeAsync();

        keyless.Usage.Report(new("scan")).Reason.ShouldNotBeNull().ShouldContain("pyresolve login");
        disposed.Usage.Report(new("scan")).Reason.ShouldNotBeNull().ShouldContain("disposed");
        await keyless.Usage.FlushAsync(Cancellation);
        server.Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(409, "conflict")]
    [InlineData(422, "invalid")]
    public async Task Rejected_events_are_counted_and_not_sent_again(int status, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /usage", Answer.Problem(status, code, "No."), Recorded).Client();

        client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);
        client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Sent, client.Usage.Rejected, client.Usage.Pending).ShouldBe((1, 1, 0));
        client.Usage.LastRejection.ShouldNotBeNull().Code.ShouldBe(code);
        server.Requests.Count.ShouldBe(2);
    }

    [Theory]
    [MemberData(nameof(PassingFailures))]
    public async Task Transient_failures_are_retried_until_they_end(Answer failure)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /usage", failure, failure, Recorded).Client();

        client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Sent, client.Usage.Rejected).ShouldBe((1, 0));
        server.Requests.Count.ShouldBe(3);
    }

    public static TheoryData<Answer> PassingFailures() =>
    [
        Answer.Busy(0), Answer.ConnectionClosed, Answer.Html(), Answer.Html(404), Answer.Problem(500, "internal", "Oops."),
        Answer.Problem(429, "rate_limited", "Slower."),
    ];

    [Fact]
    public async Task A_flush_that_cannot_reach_the_server_says_so_and_loses_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On(
            "POST /usage", Answer.ConnectionClosed, Answer.ConnectionClosed, Answer.ConnectionClosed, Recorded).Client();
        client.Usage.Report(new("scan"));

        (await Should.ThrowAsync<PyResolveException>(client.Usage.FlushAsync(Cancellation))).Code.ShouldBe(PyResolveErrorCodes.Unreachable);
        client.Usage.Pending.ShouldBe(1);
        await client.Usage.FlushAsync(Cancellation);

        client.Usage.Sent.ShouldBe(1);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(31_536_000)]
    public async Task A_flush_does_not_wait_for_a_long_pause_to_end(int seconds)
    {
        await using var server = await ScriptedServer.StartAsync();
        var isBusy = true;
        await using var client = server.On("POST /usage", _ => Volatile.Read(ref isBusy) ? Answer.Busy(seconds) : Recorded).Client();
        client.Usage.Report(new("scan"));

        (await Should.ThrowAsync<PyResolveException>(client.Usage.FlushAsync(Cancellation)))
            .RetryAfter.ShouldBe(TimeSpan.FromSeconds(seconds));
        client.Usage.Pending.ShouldBe(1);
        Volatile.Write(ref isBusy, false);
        client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        client.Usage.Sent.ShouldBe(2);
    }

    [Fact]
    public async Task A_flush_can_be_cancelled()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /usage", Answer.Never).Client(options => options.ShutdownTimeout = TimeSpan.Zero);
        client.Usage.Report(new("scan"));
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        await Should.ThrowAsync<OperationCanceledException>(client.Usage.FlushAsync(source.Token));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Disposing_of_the_client_sends_pending_events(bool asynchronously)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        var client = server.Client();
        for (var i = 0; i < 50; i++)
            client.Usage.Report(new("scan"));

        if (asynchronously)
            await client.DisposeAsync();
        else
            client.Dispose();

        ledger.Charges.ShouldBe(50);
    }

    [Fact]
    public async Task Disposing_ends_at_its_timeout_and_leaves_the_event_pending()
    {
        await using var server = await ScriptedServer.StartAsync();
        var client = server.On("POST /usage", Answer.Never).Client(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(200));
        client.Usage.Report(new("scan"));
        var flush = client.Usage.FlushAsync(Cancellation);
        var watch = Stopwatch.StartNew();

        await client.DisposeAsync();
        await client.DisposeAsync();

        watch.Elapsed.ShouldBeInRange(TimeSpan.FromMilliseconds(150), TimeSpan.FromSeconds(4));
        client.Usage.Pending.ShouldBe(1);
        await Should.ThrowAsync<ObjectDisposedException>(flush);
        await Should.ThrowAsync<ObjectDisposedException>(client.Usage.FlushAsync(Cancellation));
    }

    [Theory]
    [InlineData("x", 1)]
    [InlineData("\u00e9", 2)]
    public void Metadata_of_over_16_KiB_is_refused_and_of_16_KiB_is_not(string letter, int bytes)
    {
        const int Around = 8; // {"t":""}
        var most = ((16 * 1024) - Around) / bytes;

        new UsageEvent("scan") { Metadata = Of(most) }.Metadata.ShouldNotBeNull();
        Should.Throw<ArgumentException>(() => new UsageEvent("scan") { Metadata = Of(most + 1) }).Message.ShouldContain("16 KiB");
        Should.Throw<ArgumentException>(() => new MigrationOutcome { Metadata = Of(most + 1) }).Message.ShouldContain("16 KiB");

        JsonElement Of(int letters) =>
            JsonDocument.Parse($$"""{"t":"{{string.Concat(Enumerable.Repeat(letter, letters))}}"}""").RootElement;
    }

    [Theory]
    [InlineData("")]
    [InlineData("Scan")]
    [InlineData("1scan")]
    [InlineData("scan it")]
    public void An_event_type_of_another_form_is_refused(string word) => Should.Throw<ArgumentException>(() => new UsageEvent(word));
}
