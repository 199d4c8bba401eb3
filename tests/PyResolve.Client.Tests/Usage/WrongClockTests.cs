using System.Collections.Concurrent;
using System.Text.Json;

namespace PyResolve.Client.Tests.Usage;

/// <summary>This machine's clock is wrong, the server's is right, and no event is lost.</summary>
public sealed class WrongClockTests
{
    private static readonly TimeSpan Close = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _recorded = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(6)]
    [InlineData(120)]
    [InlineData(400 * 24 * 60)]
    [InlineData(-400 * 24 * 60)]
    public async Task Events_of_a_wrong_clock_are_recorded_at_the_servers_time(int minutesAhead)
    {
        await using var server = await StartAsync();
        await using var client = server.ClientWithClock(new(TimeSpan.FromMinutes(minutesAhead)));

        for (var i = 0; i < 20; i++)
            client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Sent, client.Usage.Rejected, client.Usage.Pending).ShouldBe((20, 0, 0));
        _recorded.Count.ShouldBe(20);
        _recorded.Values.ShouldAllBe(at => (at - TimeProvider.System.GetUtcNow()).Duration() < Close);
    }

    [Fact]
    public async Task Once_the_servers_time_is_known_events_are_stamped_with_it()
    {
        await using var server = await StartAsync();
        await using var client = server.ClientWithClock(new(TimeSpan.FromHours(-3)));
        await client.GetQuotaAsync(Cancellation);

        var id = client.Usage.Report(new("scan")).EventId.ShouldNotBeNull();
        await client.Usage.FlushAsync(Cancellation);

        (_recorded[id] - TimeProvider.System.GetUtcNow()).Duration().ShouldBeLessThan(Close);
    }

    [Fact]
    public async Task A_time_from_the_caller_is_kept_unless_the_server_rejects_it()
    {
        await using var server = await StartAsync();
        await using var client = server.ClientWithClock(new(TimeSpan.Zero));
        var yesterday = TimeProvider.System.GetUtcNow().AddDays(-1);

        var past = client.Usage.Report(new("scan") { OccurredAt = yesterday }).EventId.ShouldNotBeNull();
        var future = client.Usage.Report(new("scan") { OccurredAt = yesterday.AddDays(3) }).EventId.ShouldNotBeNull();
        await client.Usage.FlushAsync(Cancellation);

        (_recorded[past] - yesterday).Duration().ShouldBeLessThan(TimeSpan.FromMilliseconds(1));
        (_recorded[future] - TimeProvider.System.GetUtcNow()).Duration().ShouldBeLessThan(Close);
    }

    [Fact]
    public async Task Events_rejected_for_another_reason_are_not_sent_again()
    {
        await using var server = await StartAsync();
        await using var client = server.ClientWithClock(new(TimeSpan.FromHours(1)));

        client.Usage.Report(new("refused"));
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Rejected, client.Usage.Pending).ShouldBe((1, 0));
        server.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_new_event_is_recorded_after_the_clock_was_corrected()
    {
        await using var server = await StartAsync();
        var past = new ShiftedClock(TimeSpan.FromDays(-400));
        await using (var offline = OfflineClient.Create(Options(server), past))
            offline.Usage.Report(new("scan") { OccurredAt = TimeProvider.System.GetUtcNow() }).IsAccepted.ShouldBeTrue();

        await using var client = server.ClientWithClock(new(TimeSpan.Zero));
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Sent, client.Usage.Rejected, _recorded.Count).ShouldBe((1, 0, 1));
    }

    [Theory]
    [InlineData(false, ProblemCodes.Invalid)]
    [InlineData(true, PyResolveErrorCodes.TooOld)]
    public async Task An_old_event_is_rejected_by_the_server_or_not_sent_once_the_servers_time_is_known(bool knowsTheTime, string code)
    {
        await using var server = await StartAsync();
        await using (var offline = OfflineClient.Create(Options(server), new ShiftedClock(TimeSpan.FromDays(-36))))
            offline.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();
        await using var client = server.ClientWithClock(new(TimeSpan.Zero));
        if (knowsTheTime)
            await client.GetQuotaAsync(Cancellation);

        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Rejected, client.Usage.LastRejection.ShouldNotBeNull().Code).ShouldBe((1, code));
        server.Requests.Any(request => request.Path == "/usage").ShouldBe(!knowsTheTime);
    }

    private static PyResolveClientOptions Options(ScriptedServer server) =>
        new() { ApiUrl = server.Url, ApiKey = ScriptedServer.Key, Home = server.Home.Path, ShutdownTimeout = TimeSpan.Zero };

    private async Task<ScriptedServer> StartAsync()
    {
        var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", Answer.Quota(0));
        server.On("POST /usage", request => Record(JsonDocument.Parse(request.Body).RootElement)
            ? Answer.Json(200, """{"status":"recorded"}""")
            : Answer.Problem(422, "invalid", "The request breaks a rule."));
        server.On("POST /usage/batch", request =>
        {
            var events = JsonDocument.Parse(request.Body).RootElement.GetProperty("events").EnumerateArray();
            var results = events.Select(usage => Record(usage) ? """{"status":"recorded"}""" : """{"status":"invalid","code":"invalid"}""");
            return Answer.Json(200, $$"""{"results":[{{string.Join(',', results)}}]}""");
        });
        return server;
    }

    private bool Record(JsonElement usage)
    {
        var occurredAt = usage.GetProperty("occurred_at").GetDateTimeOffset();
        var now = TimeProvider.System.GetUtcNow();
        var isTaken = occurredAt >= now.AddDays(-35) && occurredAt <= now.AddMinutes(5) && usage.GetProperty("event_type")
            .GetString() != "refused";
        return isTaken && _recorded.TryAdd(usage.GetProperty("id").GetGuid(), occurredAt);
    }
}
