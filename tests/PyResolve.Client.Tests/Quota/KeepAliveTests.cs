using Microsoft.Extensions.Logging;
using Eventually = PyResolve.TestKit.Eventually;

namespace PyResolve.Client.Tests.Quota;

/// <summary>A permit that renews its reservation while the work runs.</summary>
public sealed class KeepAliveTests
{
    private const int TimeLimit = 60_000;
    private const string Renewals = "PATCH /quota/reservations/*";
    private static readonly Guid Reserved = new("01890000-0000-7000-8000-000000000001");
    private static readonly DateTimeOffset Start = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private readonly SteppedClock _clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact(Timeout = TimeLimit)]
    public async Task The_reservation_is_extended_each_time_that_a_third_of_its_lifetime_has_passed()
    {
        var (server, _) = await Ledger.StartAsync();
        await using var running = server.On(Renewals, Extended(1), Extended(2));
        await using var client = Client(server);
        await using var permit = await client.Quota.AcquireAsync(Request(), Cancellation);

        (await _clock.EndPauseAsync(Cancellation)).ShouldBe(TimeSpan.FromSeconds(30));
        (await _clock.EndPauseAsync(Cancellation)).ShouldBe(TimeSpan.FromSeconds(30));

        await Eventually.IsTrueAsync(() => permit.ExpiresAt == Start.AddMinutes(2), cancellationToken: Cancellation);
        Patches(server).ShouldAllBe(patch =>
            patch.Path == $"/quota/reservations/{permit.ReservationId}" && patch.Body == """{"ttl_seconds":90}""");
    }

    [Fact(Timeout = TimeLimit)]
    public async Task Nothing_is_renewed_after_the_permit_is_completed()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var running = server.On(Renewals, Extended(1));
        await using var client = Client(server);
        await using var permit = await client.Quota.AcquireAsync(Request(), Cancellation);
        var pause = await _clock.FindPauseAsync(Cancellation);

        await permit.CompleteAsync(new() { FilesChanged = 1 }, Cancellation);
        await permit.DisposeAsync();

        await Eventually.IsTrueAsync(() => pause.IsOver, cancellationToken: Cancellation);
        (_clock.Begun.Count, Patches(server).Count, ledger.Charges).ShouldBe((1, 0, 1));
    }

    [Theory(Timeout = TimeLimit)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_is_renewed_after_the_permit_or_the_client_is_disposed_of(bool isPermit)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var running = server.On(Renewals, Extended(1));
        await using var client = Client(server);
        var permit = await client.Quota.AcquireAsync(Request(), Cancellation);
        var pause = await _clock.FindPauseAsync(Cancellation);

        if (isPermit)
            await permit.DisposeAsync();
        else
            await client.DisposeAsync();

        await Eventually.IsTrueAsync(() => pause.IsOver, cancellationToken: Cancellation);
        (_clock.Begun.Count, Patches(server).Count, ledger.Released).ShouldBe((1, 0, isPermit ? 1 : 0));
    }

    [Fact(Timeout = TimeLimit)]
    public async Task A_renewal_that_is_under_way_does_not_delay_the_completion()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var running = server.On(Renewals, Answer.Never);
        await using var client = Client(server);
        await using var permit = await client.Quota.AcquireAsync(Request(), Cancellation);
        await _clock.EndPauseAsync(Cancellation);
        await Eventually.IsTrueAsync(() => Patches(server).Count == 1, cancellationToken: Cancellation);

        await permit.CompleteAsync(new() { FilesChanged = 1 }, Cancellation);

        ledger.Charges.ShouldBe(1);
    }

    [Fact(Timeout = TimeLimit)]
    public async Task A_renewal_that_fails_is_repeated_sooner_and_no_outage_for_others()
    {
        var (server, _) = await Ledger.StartAsync();
        await using var running = server.On(
            Renewals, Answer.ConnectionClosed, Answer.Html(404), Answer.Busy(20), Answer.Problem(500, "internal", "Failed."), Extended(1));
        await using var client = Client(server);
        await using var permit = await client.Quota.AcquireAsync(Request(), Cancellation);

        var pauses = new List<double>();
        for (var i = 0; i < 6; i++)
            pauses.Add((await _clock.EndPauseAsync(Cancellation)).TotalSeconds);

        pauses.ShouldBe([30, 10, 10, 20, 10, 30]);
        permit.ExpiresAt.ShouldBe(Start.AddMinutes(1));
        await using var another = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
        another.IsOffline.ShouldBeFalse();
    }

    [Theory(Timeout = TimeLimit)]
    [InlineData(404, "not_found")]
    [InlineData(405, "method_not_allowed")]
    [InlineData(409, "conflict")]
    [InlineData(401, "unauthenticated")]
    public async Task A_refusal_ends_the_renewal_and_the_permit_can_still_be_completed(int status, string code)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var running = server.On(Renewals, Answer.Problem(status, code, "Refused."));
        using var log = new RecordedLog();
        await using var client = Client(server, log);
        await using var permit = await client.Quota.AcquireAsync(Request(), Cancellation);
        await _clock.EndPauseAsync(Cancellation);
        await Eventually.IsTrueAsync(
            () => log.Lines.Any(line => line.Contains("cannot be renewed", StringComparison.Ordinal)), cancellationToken: Cancellation);

        await permit.CompleteAsync(new() { FilesChanged = 1 }, Cancellation);

        (_clock.Begun.Count, Patches(server).Count).ShouldBe((1, 1));
        (permit.ExpiresAt, ledger.Charges).ShouldBe((Start, 1));
    }

    [Fact(Timeout = TimeLimit)]
    public async Task Without_KeepAlive_a_permit_renews_nothing()
    {
        var (server, _) = await Ledger.StartAsync();
        await using var running = server;
        await using var client = Client(server);
        var request = new MigrationRequest("pydantic") { TimeToLive = TimeSpan.FromSeconds(3) };
        await using var permit = await client.Quota.AcquireAsync(request, Cancellation);
        await using var another = await client.Quota.AcquireAsync(Request(), Cancellation);

        (await _clock.FindPauseAsync(Cancellation)).Length.ShouldBe(TimeSpan.FromSeconds(30));

        _clock.Begun.Count.ShouldBe(1);
    }

    [Fact(Timeout = TimeLimit)]
    public async Task A_reservation_shared_with_another_process_is_not_shortened()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /quota/reservations", _ => Held(TimeProvider.System.GetUtcNow().AddMinutes(6)))
            .On("DELETE /quota/reservations/*", Answer.NoContent);
        await using var client = Client(server);
        var request = new MigrationRequest("pydantic") { TimeToLive = TimeSpan.FromSeconds(90), KeepAlive = true, OnceKey = "app" };

        await using var permit = await client.Quota.AcquireAsync(request, Cancellation);

        // 6 minutes, less two thirds of 90 seconds, less what the server's clock may be off.
        (await _clock.FindPauseAsync(Cancellation)).Length.TotalSeconds.ShouldBeInRange(230, 242);
    }

    [Fact(Timeout = TimeLimit)]
    public async Task A_renewal_does_not_outdate_the_quota_that_is_cached()
    {
        var (server, _) = await Ledger.StartAsync();
        await using var running = server.On(Renewals, Extended(1)).On("GET /quota", Answer.Quota(1));
        await using var client = Client(server);
        await using var permit = await client.Quota.AcquireAsync(Request(), Cancellation);
        await client.Quota.CheckAsync(cancellationToken: Cancellation);

        await client.ExtendReservationAsync(permit.ReservationId!.Value, new() { TtlSeconds = 60 }, Cancellation);
        await client.Quota.CheckAsync(cancellationToken: Cancellation);

        server.Requests.Count(request => request.Route == "GET /quota").ShouldBe(1);
    }

    private static MigrationRequest Request() => new("pydantic") { TimeToLive = TimeSpan.FromSeconds(90), KeepAlive = true };

    private static List<ReceivedRequest> Patches(ScriptedServer server) =>
        [.. server.Requests.Where(request => request.Method == "PATCH")];

    private static Answer Extended(int minutes) => Held(Start.AddMinutes(minutes));

    private static Answer Held(DateTimeOffset expiresAt) => Answer.Json(200, $$"""
        {"id":"{{Reserved}}","state":"held","quantity":1,"remaining":1,"tier":"tier1","library":"pydantic","month":"2026-11",
         "expires_at":"{{expiresAt:yyyy-MM-dd'T'HH:mm:ss'Z'}}","lease":null,"quota":{{Answer.QuotaBody(0)}}}
        """);

    private PyResolveClient Client(ScriptedServer server, RecordedLog? log = null) => new(
        new HttpClient(),
        new()
        {
            ApiUrl = server.Url,
            ApiKey = ScriptedServer.Key,
            Home = server.Home.Path,
            RequestTimeout = SkippingClock.Limit,
            LoggerFactory = log is null ? null : new LoggerFactory([log]),
        },
        _clock);
}
