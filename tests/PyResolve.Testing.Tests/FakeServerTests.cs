namespace PyResolve.Testing.Tests;

/// <summary>What a test can set up and read, beyond the contract.</summary>
public sealed class FakeServerTests
{
    private static readonly MigrateRequest Migration = new()
    {
        Library = "pydantic", Target = "2.0", Tier = "tier1", Files = new Dictionary<string, string> { ["a.py"] = "a = 1\n" },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_server_is_independent()
    {
        await using var one = FakePyResolveServer.Start();
        await using var other = FakePyResolveServer.Start();
        one.Account.UseUpQuota();

        (await other.CreateClient().GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(0);
        other.Home.ShouldNotBe(one.Home);
    }

    [Fact]
    public async Task The_used_count_can_be_set_and_recorded_events_stay()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        await client.RecordUsageAsync(new() { EventType = "migration" }, Cancellation);

        server.Account.MigrationsUsed = 4;
        (await client.GetQuotaAsync(Cancellation)).MigrationsRemaining.ShouldBe(QuotaLimit.Of(1));
        await client.RecordUsageAsync(new() { EventType = "migration" }, Cancellation);
        (await client.Quota.CheckAsync(cancellationToken: Cancellation)).IsAllowed.ShouldBeFalse();
        server.Account.MigrationsUsed = 0;

        (await client.GetQuotaAsync(Cancellation)).CanMigrate.ShouldBeTrue();
        server.Account.Plan = "unlimited";
        Should.Throw<InvalidOperationException>(server.Account.UseUpQuota);
        Should.Throw<ArgumentException>(() => server.Account.Plan = "gold");
        Should.Throw<ArgumentOutOfRangeException>(() => server.Account.MigrationsUsed = -1);
    }

    [Fact]
    public async Task A_migrator_takes_its_time_on_the_servers_clock()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.Migrator = request => new()
        {
            Files = new Dictionary<string, string?> { ["a.py"] = $"{request.Library} {request.Target}\n" },
            Duration = TimeSpan.FromMinutes(5),
            Progress = new(Done: 1, Total: 2, File: "a.py"),
        };

        var begun = await client.StartMigrationAsync(Migration, cancellationToken: Cancellation);
        (begun.State, begun.Progress?.Done, server.Account.Quota.MigrationsHeld).ShouldBe((RemoteMigrationStates.Running, 1, 1));
        server.Clock.Advance(TimeSpan.FromMinutes(5));

        (await client.GetMigrationAsync(begun.Id, Cancellation)).Files!["a.py"].ShouldBe("pydantic 2.0\n");
        (server.Account.Quota.MigrationsUsed, server.Account.Quota.MigrationsHeld).ShouldBe((1, 0));
    }

    [Fact]
    public async Task A_cancelled_call_cancels_the_migration_and_one_that_has_ended_is_returned()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        server.Migrator = _ => new() { Duration = TimeSpan.FromMinutes(5) };
        var cancelled = client.MigrateAsync(Migration, cancellationToken: cancellation.Token);
        await Eventually.IsTrueAsync(() => server.Account.Holds.Count == 1, cancellationToken: Cancellation);

        cancellation.Cancel();

        await Should.ThrowAsync<OperationCanceledException>(cancelled);
        server.Account.Holds[0].State.ShouldBe(ReservationStates.Released);
        using var late = new CancellationTokenSource();
        server.Migrator = _ =>
        {
            late.Cancel();
            return new() { Files = new Dictionary<string, string?> { ["a.py"] = "" } };
        };
        (await client.MigrateAsync(Migration, cancellationToken: late.Token)).FilesChanged.ShouldBe(1);
    }

    [Fact]
    public async Task Using_up_the_quota_keeps_reservations()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        await using var permit = await client.Quota.AcquireAsync(new("pydantic") { Quantity = 2 }, Cancellation);

        server.Account.UseUpQuota();

        (server.Account.Quota.MigrationsUsed, server.Account.Quota.MigrationsHeld, server.Account.Quota.CanMigrate).ShouldBe((3, 2, false));
    }

    [Fact]
    public async Task A_test_sets_the_billing_state()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        (await client.GetSubscriptionAsync(Cancellation)).ShouldBe(new("free", null, false, null, null, null));
        var none = await FailAsync(client.OpenPortalAsync(Cancellation));
        (none.Status, none.Code, none.Message).ShouldBe((400, ProblemCodes.NoBillingAccount, "No billing account. Subscribe first at https://pyresolve.test/pricing."));
        (await client.StartCheckoutAsync("pro", Cancellation)).CheckoutUrl.ShouldStartWith("https://pyresolve.test/checkout/");

        server.Account.Subscribe("pro");

        (await client.GetQuotaAsync(Cancellation)).LlmAllowed.ShouldBeTrue();
        (await client.GetSubscriptionAsync(Cancellation)).Status.ShouldBe("active");
        var refused = await FailAsync(client.StartCheckoutAsync("unlimited", Cancellation));
        (refused.Code, refused.Problem?.PortalUrl)
            .ShouldBe((ProblemCodes.AlreadySubscribed, (await client.OpenPortalAsync(Cancellation)).PortalUrl));
        server.Account.Subscription = null;
        (await client.GetQuotaAsync(Cancellation)).Plan.ShouldBe("free");
    }

    [Fact]
    public async Task Requests_can_be_read_and_their_text_has_no_key()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();

        await client.GetUsageAsync("2026-11", Cancellation);
        await client.RecordUsageAsync(new() { EventType = "scan" }, Cancellation);

        server.Requests.Select(request => request.ToString()).ShouldBe(["GET /usage", "POST /usage"]);
        server.Requests[0].Query.ShouldBe("?month=2026-11");
        (server.Requests[1].Body, server.Requests[1].Header("x-api-key")).ShouldBe(("""{"event_type":"scan"}""", server.Account.ApiKey));
        server.Account.ToString().ShouldNotContain(server.Account.ApiKey);
    }

    [Fact]
    public async Task Accounts_are_added_by_tests_and_by_sign_up()
    {
        await using var server = FakePyResolveServer.Start();
        var grace = server.AddAccount("Grace@example.com");
        await using var client = server.CreateClient(options => options.ApiKey = grace.ApiKey);

        (await client.GetAccountAsync(Cancellation)).Email.ShouldBe("grace@example.com");
        await client.LogInAsync(new() { Email = grace.Email, Password = grace.Password }, Cancellation);
        (await client.ListApiKeysAsync(grace.SessionToken, Cancellation)).ShouldHaveSingleItem();
        await client.SignUpAsync(new() { Email = "hedy@example.com", Password = "correct horse" }, Cancellation);
        server.Accounts.Select(account => account.Email).ShouldBe(["ada@example.com", "grace@example.com", "hedy@example.com"]);
        Should.Throw<ArgumentException>(() => server.AddAccount("GRACE@example.com"));
        server.IsSignUpOpen = false;
        (await FailAsync(client.SignUpAsync(new() { Email = "joan@example.com", Password = "correct horse" }, Cancellation))).Code
            .ShouldBe(ProblemCodes.SignUpClosed);
    }

    [Fact]
    public async Task An_added_key_has_the_given_scopes()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient(options => options.ApiKey = server.Account.AddApiKey(Scopes.UsageWrite));

        await client.RecordUsageAsync(new() { EventType = "scan" }, Cancellation);
        (await FailAsync(client.Quota.AcquireAsync(new("pydantic"), Cancellation))).Code.ShouldBe(ProblemCodes.ScopeMissing);
        (server.Account.ApiKeys.Count, server.Account.ApiKeys[1].LastUsedAt).ShouldSatisfyAllConditions(
            keys => keys.Count.ShouldBe(2), keys => keys.LastUsedAt.ShouldNotBeNull());
    }

    [Fact]
    public async Task A_device_login_is_denied()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        var login = await client.StartDeviceLogInAsync(cancellationToken: Cancellation);
        server.PendingDeviceCodes.ShouldBe([login.UserCode]);

        server.DenyDevice(login.UserCode);

        server.PendingDeviceCodes.ShouldBeEmpty();
        (await FailAsync(client.RedeemDeviceCodeAsync(login.DeviceCode, Cancellation))).Code.ShouldBe(ProblemCodes.AccessDenied);
        Should.Throw<ArgumentException>(() => server.ApproveDevice("AAAA-AAAA"));
    }

    [Fact]
    public async Task A_server_without_leases_grants_reservations_without_one()
    {
        await using var server = FakePyResolveServer.Start();
        await using var client = server.CreateClient();
        server.IssuesLeases = false;

        (await client.CreateReservationAsync(new() { Tier = "tier1", Machine = "laptop" }, cancellationToken: Cancellation)).Lease
            .ShouldBeNull();
        (await client.GetLeaseKeysAsync(Cancellation)).Keys.ShouldBeEmpty();
    }

    [Fact]
    public async Task Other_processes_can_use_it_on_loopback()
    {
        await using var server = FakePyResolveServer.Start(new() { ListenOnLoopback = true });
        await using var client = PyResolveClient.Create(new() { ApiUrl = server.Url, ApiKey = server.Account.ApiKey, Home = server.Home });
        server.Inject(Fault.DropAnswer, "POST /quota/reservations");

        await using (var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation))
            await permit.CompleteAsync(new(), Cancellation);
        (await FailAsync(client.ListApiKeysAsync(cancellationToken: Cancellation))).Code.ShouldBe(ProblemCodes.ScopeMissing);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.RecordUsageAsync(new() { EventType = "scan" }, Cancellation)));

        (server.Url.Host, server.Account.Holds.Count, server.Account.Events.Count).ShouldBe(("127.0.0.1", 1, 21));
        await server.DisposeAsync();
        Directory.Exists(server.Home).ShouldBeFalse();
        (await FailAsync(client.GetServiceAsync(Cancellation))).Code.ShouldBe(PyResolveErrorCodes.Unreachable);
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);
}
