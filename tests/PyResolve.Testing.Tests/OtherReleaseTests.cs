namespace PyResolve.Testing.Tests;

/// <summary>This client with servers that are one release older or newer. The whole conformance suite runs with a newer one too.</summary>
public sealed class OtherReleaseTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_older_server_reserves_quota_records_usage_and_denies()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = Client(server, new OlderServer());

        for (var i = 0; i < 5; i++)
        {
            await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
            await permit.CompleteAsync(new() { FilesChanged = 1 }, Cancellation);
            permit.IsSettled.ShouldBeTrue();
        }

        await using (var denied = await client.Quota.AcquireAsync(new("pydantic"), Cancellation))
            (denied.Denial?.Code, denied.Denial?.ResetsAt, denied.Denial?.UpgradeUrl).ShouldBe((ProblemCodes.QuotaExceeded, null, null));
        for (var i = 0; i < 3; i++)
            client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);
        (client.Usage.Sent, server.Account.Events.Count, server.Account.Quota.MigrationsUsed).ShouldBe((3, 8, 5));
    }

    [Fact]
    public async Task An_older_servers_quota_has_no_reset_time()
    {
        await using var server = FakePyResolveServer.Start();
        server.Account.UseUpQuota();
        await using var client = Client(server, new OlderServer());

        var check = await client.Quota.CheckAsync(cancellationToken: Cancellation);

        check.Denial.ShouldNotBeNull().ShouldSatisfyAllConditions(
            denial => denial.Code.ShouldBe(ProblemCodes.QuotaExceeded),
            denial => denial.ResetsAt.ShouldBeNull(),
            denial => denial.Message.ShouldBe(
                "Monthly limit reached (5 migrations on the free plan: 5 used, 0 held, 1 asked for). "
                + "Upgrade at https://pyresolve.test/pricing"));
    }

    [Fact]
    public async Task A_server_without_batches_gets_events_one_by_one()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.Inject(Fault.Status(404), "POST /usage/batch", int.MaxValue);

        for (var i = 0; i < 20; i++)
            client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Sent, server.Account.Events.Count).ShouldBe((20, 20));
    }

    [Fact]
    public async Task Unknown_words_of_a_newer_server_are_passed_on()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();

        server.Inject(Fault.Status(402, "spend_limit_reached"));
        (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).Denial.ShouldNotBeNull().Code.ShouldBe("spend_limit_reached");
        server.Inject(Fault.Status(403, "region_blocked"));
        (await FailAsync(client.Quota.AcquireAsync(new("pydantic"), Cancellation))).Code.ShouldBe("region_blocked");
        server.Inject(Fault.Status(451, "legal_hold"));
        (await FailAsync(client.GetQuotaAsync(Cancellation))).Status.ShouldBe(451);
        server.Inject(Fault.Answer(200, "application/json", """
            {"plan":"team","migrations_used":1,"migrations_limit":9000000000,"migrations_remaining":8999999999,"llm_allowed":true,"can_migrate":true,
             "migrations_held":0,"month":"2026-11","resets_at":"2026-12-01T00:00:00.123456+00:00","seats":7}
            """));
        (await client.GetQuotaAsync(Cancellation)).ShouldSatisfyAllConditions(
            quota => quota.Plan.ShouldBe("team"), quota => quota.MigrationsLimit.ShouldBe(QuotaLimit.Of(9_000_000_000)));
    }

    [Fact]
    public async Task An_event_with_an_unknown_status_of_a_newer_server_is_kept_as_rejected()
    {
        await using var server = FakePyResolveServer.Start();
        server.IsOffline = true;
        await using (var offline = server.CreateClient(options => options.ShutdownTimeout = TimeSpan.Zero))
        {
            offline.Usage.Report(new("scan"));
            offline.Usage.Report(new("scan"));
        }

        server.IsOffline = false;
        const string answer = """{"results":[{"id":null,"status":"recorded"},{"id":null,"status":"embargoed","code":"embargo"}]}""";
        server.Inject(Fault.Answer(200, "application/json", answer), "POST /usage/batch");
        await using var client = server.CreateClient();
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Sent, client.Usage.Rejected).ShouldBe((1, 1));
        client.Usage.LastRejection.ShouldNotBeNull().Code.ShouldBe("embargo");
    }

    private static PyResolveClient Client(FakePyResolveServer server, DelegatingHandler release)
    {
        release.InnerHandler = server.CreateHandler();
        var options = new PyResolveClientOptions();
        server.Configure(options);
        return new(new HttpClient(release), options, server.Clock);
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);
}
