namespace PyResolve.Client.Tests.Quota;

/// <summary>When <c>CheckAsync</c> repeats an answer without asking the server.</summary>
public sealed class QuotaMemoryTests : IAsyncLifetime
{
    private readonly ShiftedClock _clock = new();
    private ScriptedServer _server = null!;
    private Ledger _ledger = null!;
    private PyResolveClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private int Asked => _server.Requests.Count(request => request.Route == "GET /quota");

    public async ValueTask InitializeAsync()
    {
        (_server, _ledger) = await Ledger.StartAsync();
        _server.On("GET /quota", _ =>
            Answer.Json(200, Answer.QuotaBody(_ledger.Charges).Replace(Answer.ResetsAt, $"{_clock.GetUtcNow().AddMinutes(10):O}")));
        _client = _server.ClientWithClock(_clock);
    }

    [Fact]
    public async Task A_check_is_repeated_for_a_second_and_then_requested_again()
    {
        for (var i = 0; i < 20; i++)
        {
            (await _client.Quota.CheckAsync(cancellationToken: Cancellation)).IsAllowed.ShouldBeTrue();
            (await _client.Quota.CheckAsync(MigrationTier.Tier3, Cancellation)).Denial.ShouldNotBeNull()
                .Code.ShouldBe(ProblemCodes.LlmNotAllowed);
        }

        var before = Asked;
        _clock.Advance(TimeSpan.FromSeconds(1));
        await _client.Quota.CheckAsync(cancellationToken: Cancellation);

        before.ShouldBeLessThan(20);
        Asked.ShouldBe(before + 1);
    }

    [Fact]
    public async Task A_change_by_this_client_shows_at_once()
    {
        await _client.Quota.CheckAsync(cancellationToken: Cancellation);

        await using (var permit = await _client.Quota.AcquireAsync(new("pydantic"), Cancellation))
            await permit.CompleteAsync(new(), Cancellation);

        (await _client.Quota.CheckAsync(cancellationToken: Cancellation)).Quota.ShouldNotBeNull().MigrationsUsed.ShouldBe(1);
        _client.Usage.Report(new("migration"));
        await _client.Usage.FlushAsync(Cancellation);
        (await _client.Quota.CheckAsync(cancellationToken: Cancellation)).Quota.ShouldNotBeNull().MigrationsUsed.ShouldBe(2);
    }

    [Fact]
    public async Task Nothing_is_repeated_after_the_end_of_its_month()
    {
        await using var patient = Client(options => options.QuotaCacheDuration = TimeSpan.FromMinutes(10));
        await patient.Quota.CheckAsync(cancellationToken: Cancellation);
        _clock.Advance(TimeSpan.FromMinutes(9));
        await patient.Quota.CheckAsync(cancellationToken: Cancellation);
        Asked.ShouldBe(1);

        _clock.Advance(TimeSpan.FromMinutes(1));
        await patient.Quota.CheckAsync(cancellationToken: Cancellation);

        Asked.ShouldBe(2);
    }

    [Fact]
    public async Task It_can_be_turned_off()
    {
        await using var forgetful = Client(options => options.QuotaCacheDuration = TimeSpan.Zero);

        for (var i = 0; i < 3; i++)
            await forgetful.Quota.CheckAsync(cancellationToken: Cancellation);

        Asked.ShouldBe(3);
    }

    [Fact]
    public async Task A_repeated_check_allocates_nothing()
    {
        await using var patient = Client(options => options.QuotaCacheDuration = TimeSpan.FromMinutes(5));
        await patient.Quota.CheckAsync(cancellationToken: Cancellation);

        var allocated = AllocatedBy(() => patient.Quota.CheckAsync(MigrationTier.Tier1), times: 1000);

        allocated.ShouldBe(0);
        Asked.ShouldBe(1);
    }

    [Fact]
    public async Task A_cancelled_token_throws_before_anything_is_sent()
    {
        await _client.Quota.CheckAsync(cancellationToken: Cancellation);

        await Should.ThrowAsync<OperationCanceledException>(() => _client.Quota.CheckAsync(cancellationToken: new(canceled: true)));
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    private PyResolveClient Client(Action<PyResolveClientOptions> configure)
    {
        var options = new PyResolveClientOptions { ApiUrl = _server.Url, ApiKey = ScriptedServer.Key, Home = _server.Home.Path };
        configure(options);
        var http = new HttpClient();
        return new(options, () => http, http, _clock);
    }

    private static long AllocatedBy(Func<Task<QuotaCheck>> check, int times)
    {
        _ = check();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < times; i++)
            _ = check();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
