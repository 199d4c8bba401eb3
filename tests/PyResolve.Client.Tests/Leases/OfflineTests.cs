using System.Diagnostics;

namespace PyResolve.Client.Tests.Leases;

/// <summary>What a tool may do without the server, by policy and prepaid units.</summary>
public sealed class OfflineTests
{
    private static readonly MigrationRequest Tier2 = new("pydantic", MigrationTier.Tier2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task By_default_tier1_is_granted_and_reported_when_the_server_is_back()
    {
        await using var server = await LeasingServer.StartAsync();
        await using (var offline = server.ClientWithoutNetwork())
        {
            (await offline.Quota.CheckAsync(MigrationTier.Tier1, Cancellation)).IsAllowed.ShouldBeTrue();
            await using var permit = await offline.Quota.AcquireAsync(new("pydantic") { Quantity = 3 }, Cancellation);
            (permit.IsGranted, permit.IsOffline, permit.ReservationId).ShouldBe((true, true, null));
            await permit.CompleteAsync(new() { Quantity = 2, FilesChanged = 7 }, Cancellation);
            permit.IsSettled.ShouldBeTrue();
        }

        await server.ReconnectAsync();

        server.Events.Values.ShouldBe([null, null]);
        var reported = server.Script.Requests.Single(request => request.Path == "/usage/batch").Body;
        reported.ShouldContain("\"files_changed\":7");
        reported.ShouldContain("\"files_changed\":0");
    }

    [Theory]
    [InlineData(MigrationTier.Tier2)]
    [InlineData(MigrationTier.Tier3)]
    public async Task By_default_LLM_tiers_are_denied_unless_prepaid(MigrationTier tier)
    {
        await using var server = await LeasingServer.StartAsync();
        await using var offline = server.ClientWithoutNetwork();

        await using var permit = await offline.Quota.AcquireAsync(new("pydantic", tier), Cancellation);

        permit.Denial.ShouldNotBeNull().Code.ShouldBe(PyResolveErrorCodes.Offline);
        permit.Denial.Hint.ShouldNotBeNull().ShouldContain("none is prepaid on this machine");
        permit.Denial.Message.ShouldEndWith(permit.Denial.Hint);
        (await offline.Quota.CheckAsync(tier, Cancellation)).Denial.ShouldBe(permit.Denial);
    }

    [Fact]
    public async Task Prepaid_units_are_spent_to_the_last_and_no_further()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        await using var offline = server.ClientWithoutNetwork();

        for (var i = 0; i < 3; i++)
        {
            (await offline.Quota.CheckAsync(MigrationTier.Tier2, Cancellation)).IsAllowed.ShouldBeTrue();
            await using var permit = await offline.Quota.AcquireAsync(Tier2, Cancellation);
            (permit.IsGranted, permit.IsOffline, permit.ExpiresAt > server.Clock.GetUtcNow()).ShouldBe((true, true, true));
            await permit.CompleteAsync(new(), Cancellation);
        }

        await using var fourth = await offline.Quota.AcquireAsync(Tier2, Cancellation);
        fourth.Denial.ShouldNotBeNull().Message.ShouldContain("used up");
        (await offline.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier3), Cancellation)).Denial.ShouldNotBeNull()
            .Message.ShouldContain("none is prepaid");
    }

    [Fact]
    public async Task Released_units_can_be_taken_again_and_all_or_none_are_taken()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        await using var offline = server.ClientWithoutNetwork();
        var two = new MigrationRequest("pydantic", MigrationTier.Tier2) { Quantity = 2 };

        for (var i = 0; i < 5; i++)
        {
            await using var permit = await offline.Quota.AcquireAsync(two, Cancellation);
            permit.IsGranted.ShouldBeTrue();
            (await offline.Quota.AcquireAsync(two, Cancellation)).IsGranted.ShouldBeFalse();
        }

        await using (var permit = await offline.Quota.AcquireAsync(two, Cancellation))
            await permit.CompleteAsync(new() { Quantity = 1 }, Cancellation);
        (await offline.Quota.AcquireAsync(two, Cancellation)).IsGranted.ShouldBeTrue();
        (await offline.Quota.AcquireAsync(Tier2, Cancellation)).IsGranted.ShouldBeFalse();
    }

    [Fact]
    public async Task Work_on_a_lease_arrives_once_and_names_it()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(5);
        Guid lease;
        await using (var offline = server.ClientWithoutNetwork())
        {
            await using var permit = await offline.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2) { Quantity = 2 }, Cancellation);
            await permit.CompleteAsync(new() { TokensUsed = 9 }, Cancellation);
            await permit.CompleteAsync(new() { TokensUsed = 9 }, Cancellation);
            lease = permit.ReservationId.ShouldNotBeNull();
        }

        await server.ReconnectAsync();
        await server.ReconnectAsync();

        server.Events.Values.ShouldBe([lease, lease]);
        (server.Script.Requests.Count(request => request.Path == "/usage/batch"), server.Released.Count(id => id == lease))
            .ShouldBe((1, 0));
    }

    [Fact]
    public async Task With_Deny_acquiring_throws_even_with_prepaid_units()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        await using var offline = server.ClientWithoutNetwork(options => options.Offline = OfflinePolicy.Deny);

        foreach (var tier in new[] { MigrationTier.Tier1, MigrationTier.Tier2 })
        {
            (await Should.ThrowAsync<PyResolveException>(offline.Quota.AcquireAsync(new("pydantic", tier), Cancellation)))
                .Code.ShouldBe(PyResolveErrorCodes.Unreachable);
            (await Should.ThrowAsync<PyResolveException>(offline.Quota.CheckAsync(tier, Cancellation)))
                .Code.ShouldBe(PyResolveErrorCodes.Unreachable);
        }
    }

    [Fact]
    public async Task With_Allow_every_tier_is_granted_and_prepaid_units_are_spent_first()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(1);
        await using (var offline = server.ClientWithoutNetwork(options => options.Offline = OfflinePolicy.Allow))
        {
            for (var i = 0; i < 2; i++)
            {
                (await offline.Quota.CheckAsync(MigrationTier.Tier2, Cancellation)).IsAllowed.ShouldBeTrue();
                await using var permit = await offline.Quota.AcquireAsync(Tier2, Cancellation);
                permit.ReservationId.HasValue.ShouldBe(i == 0);
                await permit.CompleteAsync(new(), Cancellation);
            }
        }

        await server.ReconnectAsync();

        server.Events.Values.Count(lease => lease is null).ShouldBe(1);
        server.Events.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_captive_portal_and_a_proxy_error_are_not_a_server(bool portal)
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(1);
        await using var hotel = await ScriptedServer.StartAsync();
        hotel.On("POST /quota/reservations", Answer.Html(portal ? 200 : 502));
        using var http = new HttpClient(new Rerouted(hotel.Url));
        await using var client = new PyResolveClient(
            http, new() { ApiUrl = server.Script.Url, ApiKey = ScriptedServer.Key, Home = server.Home.Path });

        (await client.Quota.AcquireAsync(Tier2, Cancellation)).IsOffline.ShouldBeTrue();
        (await client.Quota.AcquireAsync(Tier2, Cancellation)).Denial.ShouldNotBeNull().Code.ShouldBe(PyResolveErrorCodes.Offline);
    }

    [Fact]
    public async Task An_error_of_the_server_is_not_offline()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /quota/reservations", Answer.Problem(500, "internal", "No."));
        await using var client = server.Client(options => options.Offline = OfflinePolicy.Allow);

        (await Should.ThrowAsync<PyResolveException>(client.Quota.AcquireAsync(Tier2, Cancellation))).Code.ShouldBe("internal");
    }

    [Fact]
    public async Task A_used_up_quota_spends_prepaid_units()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(1);
        server.Remaining = 0;
        await using var client = server.Client();

        (await client.Quota.CheckAsync(MigrationTier.Tier2, Cancellation)).IsAllowed.ShouldBeTrue();
        (await client.Quota.AcquireAsync(Tier2, Cancellation)).IsOffline.ShouldBeTrue();

        (await client.Quota.CheckAsync(MigrationTier.Tier2, Cancellation)).IsAllowed.ShouldBeFalse();
        (await client.Quota.AcquireAsync(Tier2, Cancellation)).Denial.ShouldNotBeNull().Code.ShouldBe(ProblemCodes.QuotaExceeded);
    }

    [Fact]
    public async Task A_server_that_never_answers_costs_its_time_limit_once_and_then_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /quota/reservations", Answer.Never).On("POST /usage", Answer.Never).On("POST /usage/batch", Answer.Never);
        var watch = Stopwatch.StartNew();
        await using (var client = server.Client(options => options.RequestTimeout = options.ShutdownTimeout = TimeSpan.FromSeconds(1)))
        {
            for (var i = 0; i < 20; i++)
            {
                await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
                await permit.CompleteAsync(new(), Cancellation);
            }

            watch.Elapsed.ShouldBeInRange(TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(3));
            watch.Restart();
        }

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(3));
        server.Requests.Count(request => request.Path == "/quota/reservations").ShouldBeInRange(2, 3);
    }

    [Theory]
    [InlineData(OfflinePolicy.Lease, MigrationTier.Tier1)]
    [InlineData(OfflinePolicy.Allow, MigrationTier.Tier2)]
    public async Task Work_whose_outcome_could_not_be_kept_is_denied_before_it_starts(OfflinePolicy policy, MigrationTier tier)
    {
        await using var server = await LeasingServer.StartAsync();
        await using var offline = server.ClientWithoutNetwork(options =>
        {
            options.Offline = policy;
            options.Home = Path.Combine(server.Home.Path, "a file", "home");
        });
        Directory.CreateDirectory(server.Home.Path);
        await File.WriteAllTextAsync(Path.Combine(server.Home.Path, "a file"), "", Cancellation);

        await using var permit = await offline.Quota.AcquireAsync(new("pydantic", tier), Cancellation);

        var denial = permit.Denial.ShouldNotBeNull();
        denial.Code.ShouldBe(PyResolveErrorCodes.Offline);
        denial.Hint.ShouldNotBeNull().ShouldContain("Without the server the outcome is kept on disk, which is not possible");
        denial.Hint.ShouldContain("cannot be written");
        (await offline.Quota.CheckAsync(tier, Cancellation)).Denial.ShouldBe(denial);
    }

    [Fact]
    public async Task Work_for_whose_outcomes_there_is_no_room_is_denied_before_it_starts()
    {
        await using var server = await LeasingServer.StartAsync();
        await using var offline = server.ClientWithoutNetwork(options => options.OutboxCapacity = 2);

        (await offline.Quota.AcquireAsync(new("pydantic") { Quantity = 5 }, Cancellation)).Denial.ShouldNotBeNull()
            .Message.ShouldContain("OutboxCapacity");
        (await offline.Quota.AcquireAsync(new("pydantic") { Quantity = 4 }, Cancellation)).IsGranted.ShouldBeTrue();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_outcome_of_work_is_kept_although_other_events_have_filled_the_outbox(bool byBytes)
    {
        await using var server = await LeasingServer.StartAsync();
        await using (var offline = server.ClientWithoutNetwork(options => (options.OutboxCapacity, options.OutboxBytes) =
            byBytes ? (1000, 1024) : (3, 1024 * 1024)))
        {
            while (offline.Usage.Report(new("scan") { Library = "pydantic" }).IsAccepted)
            {
                // Until it is full.
            }

            await using var permit = await offline.Quota.AcquireAsync(new("pydantic"), Cancellation);
            await permit.CompleteAsync(new() { FilesChanged = 1 }, Cancellation);

            permit.IsSettled.ShouldBeTrue();
            offline.Usage.Report(new("scan")).Refusal.ShouldBe(ReportRefusal.Full);
        }

        await server.ReconnectAsync();
        server.Script.Requests.ShouldContain(request => request.Body.Contains("\"event_type\":\"migration\""));
    }

    [Fact]
    public async Task A_denial_names_the_end_of_the_reservation_that_stands_in_the_way()
    {
        await using var server = await ScriptedServer.StartAsync();
        var end = new DateTimeOffset(2026, 11, 28, 18, 45, 0, TimeSpan.Zero);
        server.On("POST /quota/reservations", Answer.Json(402, """
            {"code":"quota_exceeded","detail":"Monthly limit reached.",
             "resets_at":"2026-12-01T00:00:00Z","held_until":"2026-11-28T18:45:00Z"}
            """));
        await using var client = server.Client();

        var denial = (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).Denial.ShouldNotBeNull();

        denial.HeldUntil.ShouldBe(end);
        denial.Hint.ShouldNotBeNull().ShouldStartWith(
            "A reservation that stands in the way ends at 2026-11-28 18:45 (UTC): try again then. It resets on 2026-12-01 (UTC).");
    }

    [Fact]
    public async Task A_home_that_cannot_be_written_denies_and_does_not_throw()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(1);
        foreach (var folder in Directory.GetDirectories(Path.Combine(server.Home.Path, "leases")))
        {
            File.Delete(Path.Combine(folder, "ledger.lock"));
            Directory.CreateDirectory(Path.Combine(folder, "ledger.lock"));
        }

        await using var offline = server.ClientWithoutNetwork();

        (await offline.Quota.AcquireAsync(Tier2, Cancellation)).Denial.ShouldNotBeNull()
            .Message.ShouldContain("cannot be read and written");
        (await offline.Quota.CheckAsync(MigrationTier.Tier2, Cancellation)).IsAllowed.ShouldBeFalse();
    }

    private sealed class Rerouted(Uri to) : DelegatingHandler(new HttpClientHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri = new(to, request.RequestUri!.PathAndQuery);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
