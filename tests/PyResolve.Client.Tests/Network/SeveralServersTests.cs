using System.Diagnostics;
using TcpProxy = PyResolve.TestKit.TcpProxy;

namespace PyResolve.Client.Tests.Network;

/// <summary>A service of several servers, some of which do not work.</summary>
public sealed class SeveralServersTests : IAsyncLifetime
{
    private static readonly Uri Dead = new("http://127.0.0.1:1");

    private ScriptedServer _first = null!;
    private ScriptedServer _second = null!;
    private Ledger _ledger = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        (_first, _ledger) = await Ledger.StartAsync();
        _second = await _ledger.StartServerAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
    }

    [Fact]
    public async Task The_next_server_is_asked_where_one_refuses_the_connection()
    {
        _first.On("GET /quota", Answer.Quota(3));
        await using var client = Client([Dead, _first.Url]);

        client.ApiUrl.ShouldBe(Dead);
        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(3);

        client.ApiUrl.ShouldBe(_first.Url);
        client.ApiUrls.ShouldBe([Dead, _first.Url]);
    }

    [Fact]
    public async Task What_could_take_effect_twice_goes_on_only_where_it_certainly_did_not_arrive()
    {
        await using var client = Client([Dead, _first.Url]);
        await client.CreateReservationAsync(new() { Tier = "tier1" }, null, Cancellation);
        _ledger.Reservations.ShouldBe(1);

        await using var busy = await ScriptedServer.StartAsync();
        busy.On("POST /quota/reservations", Answer.Busy(0), Answer.ConnectionClosed);
        await using var other = Client([busy.Url, _first.Url]);
        var failure = await Should.ThrowAsync<PyResolveException>(
            other.CreateReservationAsync(new() { Tier = "tier1" }, null, Cancellation));

        failure.Status.ShouldBe(503);
        (busy.Requests.Count, _ledger.Reservations).ShouldBe((1, 1));
        // It is known now that the first does not work.
        await other.CreateReservationAsync(new() { Tier = "tier1" }, null, Cancellation);
        busy.Requests.Count.ShouldBe(1);
    }

    [Theory, MemberData(nameof(Broken))]
    public async Task A_read_goes_on_to_the_next_server(Answer broken)
    {
        _first.On("GET /quota", broken);
        _second.On("GET /quota", Answer.Quota(2));
        await using var client = Client([_first.Url, _second.Url]);
        var watch = Stopwatch.StartNew();

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(2);
        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(2);

        (_first.Requests.Count, _second.Requests.Count).ShouldBe((1, 2));
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(3));
    }

    public static TheoryData<Answer> Broken() =>
    [
        Answer.ConnectionClosed, Answer.Never, Answer.Busy(60), Answer.Html(502), Answer.Html(200),
        Answer.Problem(503, "unavailable", "No."),
    ];

    [Theory]
    [InlineData(401, "unauthenticated")]
    [InlineData(402, "quota_exceeded")]
    [InlineData(429, "rate_limited")]
    [InlineData(500, "internal")]
    [InlineData(503, "billing_not_configured")]
    public async Task What_a_server_refuses_is_not_asked_of_another(int status, string code)
    {
        _first.On("GET /quota", Answer.Problem(status, code, "No."));
        await using var client = Client([_first.Url, _second.Url]);

        (await Should.ThrowAsync<PyResolveException>(client.GetQuotaAsync(Cancellation))).Code.ShouldBe(code);

        _second.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_server_that_failed_comes_last_for_five_seconds()
    {
        await using var third = await ScriptedServer.StartAsync();
        var clock = new ShiftedClock();
        _first.On("GET /quota", Answer.ConnectionClosed, Answer.Quota(1));
        _second.On("GET /quota", Answer.Quota(2), Answer.ConnectionClosed);
        third.On("GET /quota", Answer.Quota(3), Answer.ConnectionClosed);
        await using var client = _first.ClientWithClock(clock, options => options.ApiUrls = [_first.Url, _second.Url, third.Url]);
        async Task<long> AskAsync() => (await client.GetQuotaAsync(Cancellation)).MigrationsUsed;

        (await AskAsync(), await AskAsync()).ShouldBe((2, 3));
        clock.Advance(TimeSpan.FromSeconds(6));
        (await AskAsync()).ShouldBe(1);

        client.ApiUrl.ShouldBe(_first.Url);
    }

    [Fact]
    public async Task An_event_whose_answer_was_lost_counts_once_on_whichever_server()
    {
        _first.LoseAnswers("POST /usage", count: 1).LoseAnswers("POST /usage/batch", count: 1);
        await using var client = Client([_first.Url, _second.Url]);

        client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        var ids = _first.Requests.Concat(_second.Requests).Select(static request => request.Body).Distinct();
        ids.ShouldHaveSingleItem();
        (_ledger.Charges, _ledger.Contradictions, _first.Requests.Count, _second.Requests.Count).ShouldBe((1, 0, 1, 1));
    }

    [Fact]
    public async Task Many_callers_find_the_one_server_that_works_and_nothing_counts_twice()
    {
        await using var hanging = TcpProxy.Start(_second.Url);
        await hanging.StallAsync();
        await using var busy = await ScriptedServer.StartAsync();
        foreach (var route in new[] { "POST /quota/reservations", "POST /quota/reservations/*/commit", "POST /usage/batch", "POST /usage" })
            busy.On(route, Answer.Busy(60));
        _first.LoseAnswers("POST /quota/reservations", count: 8).LoseAnswers("POST /quota/reservations/*/commit", count: 8);
        await using var client = Client(
            [Dead, new($"http://{hanging.EndPoint}"), busy.Url, _first.Url], options => options.RequestTimeout = TimeSpan.FromSeconds(10));

        await Task.WhenAll(Enumerable.Range(0, 64).Select(async _ =>
        {
            await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
            permit.IsOffline.ShouldBeFalse();
            await permit.CompleteAsync(new(), Cancellation);
        }));
        await client.Usage.FlushAsync(Cancellation);

        (_ledger.Reservations, _ledger.Charges, _ledger.Contradictions).ShouldBe((64, 64, 0));
        client.ApiUrl.ShouldBe(_first.Url);
    }

    [Fact]
    public async Task A_call_that_no_server_answers_takes_no_longer_than_a_call_may_and_names_each()
    {
        await using var hanging = TcpProxy.Start(_first.Url);
        await hanging.StallAsync();
        var stalled = new Uri($"http://{hanging.EndPoint}");
        await using var client = Client([Dead, stalled], options => options.RequestTimeout = TimeSpan.FromSeconds(1.5));
        var watch = Stopwatch.StartNew();

        var failure = await Should.ThrowAsync<PyResolveException>(client.GetQuotaAsync(Cancellation));

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(3));
        failure.Code.ShouldBe(PyResolveErrorCodes.Timeout);
        failure.Message.ShouldContain(stalled.Authority);
        (await client.Quota.CheckAsync(MigrationTier.Tier2, Cancellation)).Denial.ShouldNotBeNull();
    }

    [Fact]
    public async Task An_export_goes_on_to_the_next_server_before_its_first_byte()
    {
        _first.On("GET /usage/export.csv", Answer.Busy(60));
        _second.On("GET /usage/export.csv", new Answer(200, "text/csv", "id\n"));
        await using var client = Client([Dead, _first.Url, _second.Url]);
        using var file = new MemoryStream();

        await client.ExportUsageAsync(file, cancellationToken: Cancellation);

        file.Length.ShouldBe(3);
    }

    [Fact]
    public async Task Events_wait_for_the_same_servers_in_any_order()
    {
        var later = TcpProxy.Start(_first.Url);
        await using var _ = later;
        await later.RefuseAsync();
        var back = new Uri($"http://{later.EndPoint}");
        await using (var offline = Client([Dead, back]))
            offline.Usage.Report(new("scan"));
        await later.PassAsync();

        await using var client = Client([back, Dead]);
        await client.Usage.FlushAsync(Cancellation);

        _ledger.Charges.ShouldBe(1);
    }

    [Fact]
    public async Task An_outage_of_one_server_is_none_of_the_service()
    {
        await using (var alone = Client([Dead]))
            (await alone.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();

        await using var client = Client([Dead, _first.Url]);
        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        permit.IsOffline.ShouldBeFalse();
    }

    [Fact]
    public async Task A_request_that_may_not_be_sent_twice_and_meets_a_server_that_hangs_is_no_outage_of_the_others()
    {
        await using var hanging = TcpProxy.Start(_second.Url);
        await hanging.StallAsync();
        await using var client = Client(
            [new($"http://{hanging.EndPoint}"), _first.Url], options => options.RequestTimeout = TimeSpan.FromSeconds(2));
        (await Should.ThrowAsync<PyResolveException>(client.CreateReservationAsync(new() { Tier = "tier1" }, null, Cancellation)))
            .Code.ShouldBe(PyResolveErrorCodes.Timeout);

        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        permit.IsOffline.ShouldBeFalse();
    }

    private PyResolveClient Client(IReadOnlyList<Uri> servers, Action<PyResolveClientOptions>? configure = null)
    {
        var options = new PyResolveClientOptions
        {
            ApiUrls = servers, ApiKey = ScriptedServer.Key, Home = _first.Home.Path, ShutdownTimeout = TimeSpan.Zero,
        };
        configure?.Invoke(options);
        return PyResolveClient.Create(options);
    }
}
