using PyResolve.TestKit;

namespace PyResolve.Client.Tests;

/// <summary>The client against the real server, as a process with its embedded database.</summary>
[Trait("Platform", "Unix")]
public sealed class RealServerTests : IAsyncLifetime
{
    private ServerProcess _server = null!;
    private SignUpResponse _account = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(cancellationToken: Cancellation);
        await using var client = Client(key: null);
        _account = await client.SignUpAsync(new() { Email = "ada@example.com", Password = "correct horse battery" }, Cancellation);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_new_account_runs_five_migrations_and_is_then_denied_with_the_reason()
    {
        await using var client = Client(_account.ApiKey);

        for (var used = 1; used <= 5; used++)
        {
            await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
            await permit.CompleteAsync(new() { FilesChanged = 2 }, Cancellation);
            permit.Quota.ShouldNotBeNull().MigrationsUsed.ShouldBe(used);
        }

        await using var sixth = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
        sixth.Denial.ShouldNotBeNull().Code.ShouldBe(ProblemCodes.QuotaExceeded);
        sixth.Denial.ResetsAt.ShouldBe((await client.GetQuotaAsync(Cancellation)).ResetsAt);
        (await client.Quota.CheckAsync(cancellationToken: Cancellation)).Denial.ShouldNotBeNull().Code.ShouldBe(ProblemCodes.QuotaExceeded);
        (await client.Quota.CheckAsync(MigrationTier.Tier2, Cancellation)).Denial.ShouldNotBeNull()
            .Code.ShouldBe(ProblemCodes.LlmNotAllowed);
    }

    [Fact]
    public async Task Reservations_are_released_and_work_with_a_once_key_is_charged_once()
    {
        await using var client = Client(_account.ApiKey);

        await using (var permit = await client.Quota.AcquireAsync(new("pydantic") { Quantity = 3 }, Cancellation))
        {
            (await client.GetQuotaAsync(Cancellation)).MigrationsHeld.ShouldBe(3);
            (await client.GetReservationAsync(permit.ReservationId!.Value, Cancellation)).Receipt.ShouldNotBeNull().Plan.ShouldBe("free");
        }

        for (var i = 0; i < 2; i++)
        {
            await using var permit = await client.Quota.AcquireAsync(new("pydantic") { OnceKey = "build-7" }, Cancellation);
            permit.IsSettled.ShouldBe(i == 1);
            await permit.CompleteAsync(new(), Cancellation);
        }

        var quota = await client.GetQuotaAsync(Cancellation);
        (quota.MigrationsUsed, quota.MigrationsHeld).ShouldBe((1, 0));
    }

    [Fact]
    public async Task Usage_keys_and_sessions_work_as_documented()
    {
        await using var client = Client(_account.ApiKey);

        client.Usage.Report(new("migration") { Library = "pydantic", Tier = MigrationTier.Tier1 }).IsAccepted.ShouldBeTrue();
        await client.Usage.FlushAsync(Cancellation);
        client.Usage.Sent.ShouldBe(1, client.Usage.LastRejection?.Message);
        (await client.GetAccountAsync(Cancellation)).Quota.MigrationsUsed.ShouldBe(1);

        var session = (await client.LogInAsync(new() { Email = "ADA@example.com", Password = "correct horse battery" }, Cancellation))
            .SessionToken;
        var created = await client.CreateApiKeyAsync(new() { Name = "ci" }, session, Cancellation);
        (await client.ListApiKeysAsync(session, Cancellation)).Count.ShouldBe(2);
        await client.RevokeApiKeyAsync(created.Id, session, Cancellation);
        await client.LogOutAsync(session, Cancellation);
        (await FailAsync(client.ListApiKeysAsync(session, Cancellation))).Code.ShouldBe(ProblemCodes.Unauthenticated);
        (await FailAsync(client.ListApiKeysAsync(cancellationToken: Cancellation))).Code.ShouldBe(ProblemCodes.ScopeMissing);

        (await client.GetServiceAsync(Cancellation)).Service.ShouldBe("PyResolve API");
        (await client.GetPlansAsync(Cancellation)).Select(plan => plan.Name).ShouldBe(["free", "pro", "unlimited", "enterprise"]);
    }

    [Fact]
    public async Task Events_that_waited_offline_arrive_in_a_batch_and_show_in_the_statistics()
    {
        var home = Directory.CreateTempSubdirectory("pyresolve-client-").FullName;
        var options = new PyResolveClientOptions
        {
            ApiUrl = _server.Address, ApiKey = _account.ApiKey, Home = home, ShutdownTimeout = TimeSpan.Zero,
        };
        await using (var offline = new PyResolveClient(new HttpClient(new NoNetwork()), options))
        {
            for (var i = 0; i < 3; i++)
                offline.Usage.Report(new("migration") { Library = "pydantic", Tier = MigrationTier.Tier1 }).IsAccepted.ShouldBeTrue();
            offline.Usage.Report(new("migration") { Tier = MigrationTier.Tier1, ReservationId = Guid.CreateVersion7() })
                .IsAccepted.ShouldBeTrue();
        }

        await using var client = PyResolveClient.Create(options);
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Sent, client.Usage.Rejected).ShouldBe((3, 1));
        client.Usage.LastRejection.ShouldNotBeNull().Message.ShouldContain("reservation_id");
        var usage = await client.GetUsageAsync(cancellationToken: Cancellation);
        (usage.Migrations, usage.ByLibrary.Single().Library).ShouldBe((3, "pydantic"));
        (await client.GetUsageHistoryAsync(1, Cancellation)).Single().Migrations.ShouldBe(3);
        (await client.ListUsageEventsAsync(limit: 10, cancellationToken: Cancellation)).Data.Count.ShouldBe(3);
        (await FailAsync(client.GetSubscriptionAsync(Cancellation))).Code.ShouldBe(ProblemCodes.BillingNotConfigured);
        Directory.Delete(home, recursive: true);
    }

    [Fact]
    public async Task A_wrong_key_says_how_to_fix_it()
    {
        await using var client = Client(ScriptedServer.Key);

        (await FailAsync(client.Quota.AcquireAsync(new("pydantic"), Cancellation))).Message
            .ShouldBe("Invalid or revoked API key. Run 'pyresolve login', or set PYRESOLVE_API_KEY.");
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);

    private PyResolveClient Client(string? key) =>
        PyResolveClient.Create(new() { ApiUrl = _server.Address, ApiKey = key, RequestTimeout = TimeSpan.FromSeconds(30) });

    private sealed class NoNetwork : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(new HttpRequestException("No network."));
    }
}
