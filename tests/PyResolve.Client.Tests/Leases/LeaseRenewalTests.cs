using System.Runtime.Versioning;

namespace PyResolve.Client.Tests.Leases;

/// <summary>When a lease is requested from the server, and when it is returned.</summary>
public sealed class LeaseRenewalTests
{
    private static readonly MigrationRequest Tier2 = new("pydantic", MigrationTier.Tier2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task By_default_nothing_is_prepaid()
    {
        await using var server = await LeasingServer.StartAsync();

        await server.ReconnectAsync();

        server.LeaseRequests.ShouldBeEmpty();
        Directory.Exists(Path.Combine(server.Home.Path, "leases")).ShouldBeFalse();
        await using var client = server.Client();
        await Should.ThrowAsync<InvalidOperationException>(client.Quota.PrepayAsync(MigrationTier.Tier2, Cancellation));
    }

    [Fact]
    public async Task A_granted_permit_prepays_its_tier_in_the_background()
    {
        await using var server = await LeasingServer.StartAsync();

        await using (var client = server.Client(options => options.PrepaidMigrations = 20))
        {
            await using var tier1 = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
            await using var permit = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier3), Cancellation);
            (permit.IsOffline, permit.IsGranted).ShouldBe((false, true));
        }

        server.LeaseRequests.Single().Body
            .ShouldMatch("""\{"quantity":20,"tier":"tier3","ttl_seconds":604800,"machine":"m-[0-9a-f]{32}"\}""");
        await using var offline = server.ClientWithoutNetwork();
        (await offline.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier3) { Quantity = 20 }, Cancellation)).IsGranted.ShouldBeTrue();
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    [Trait("Platform", "Unix")]
    public async Task Only_the_owner_can_read_the_leases()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        var root = Path.Combine(server.Home.Path, "leases");

        server.Home.LeaseFiles().ShouldNotBeEmpty();
        foreach (var file in Directory.GetFiles(root, "*", SearchOption.AllDirectories))
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, file);
        foreach (var folder in Directory.GetDirectories(root).Append(root))
            File.GetUnixFileMode(folder).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, folder);
    }

    [Fact]
    public async Task It_is_renewed_when_less_than_half_is_left_by_the_missing_units()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(10);
        await SpendAsync(server, 5);

        await server.PrepayAsync(5);
        server.LeaseRequests.Count.ShouldBe(1);

        await SpendAsync(server, 1);
        await using var client = server.Client(options => options.PrepaidMigrations = 10);
        var prepaid = await client.Quota.PrepayAsync(MigrationTier.Tier2, Cancellation);

        (prepaid.Remaining, prepaid.Tier).ShouldBe((10, MigrationTier.Tier2));
        server.LeaseRequests[^1].Body.ShouldContain("\"quantity\":6");
    }

    [Fact]
    public async Task Asked_for_in_so_many_words_all_missing_units_are_requested()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(10);
        await SpendAsync(server, 2);

        await server.PrepayAsync(10);

        server.LeaseRequests[^1].Body.ShouldContain("\"quantity\":2");
    }

    [Fact]
    public async Task What_is_prepaid_is_known_without_a_network()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(10);
        await using var offline = server.ClientWithoutNetwork();

        var tier2 = await offline.Quota.GetPrepaidAsync(MigrationTier.Tier2, Cancellation);
        var tier3 = await offline.Quota.GetPrepaidAsync(MigrationTier.Tier3, Cancellation);

        (tier2.Remaining, tier2.Problem).ShouldBe((10, null));
        tier2.ExpiresAt.ShouldNotBeNull();
        tier3.ShouldBe(new(MigrationTier.Tier3, 0, null));
    }

    [Fact]
    public async Task What_has_expired_is_not_prepaid_and_says_why()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(5, TimeSpan.FromHours(1));
        server.Clock.Advance(TimeSpan.FromHours(2));
        await using var client = server.Client();

        var prepaid = await client.Quota.GetPrepaidAsync(MigrationTier.Tier2, Cancellation);

        prepaid.ShouldBe(new(MigrationTier.Tier2, 0, null) { Problem = "what was prepaid on this machine has expired" });
    }

    [Fact]
    public async Task Returned_units_go_back_to_the_server_and_cannot_be_spent()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(10);
        await using var client = server.Client();

        var returned = await client.Quota.ReturnPrepaidAsync(MigrationTier.Tier2, Cancellation);

        (returned.Remaining, server.Released.Count).ShouldBe((10, 1));
        (await client.Quota.GetPrepaidAsync(MigrationTier.Tier2, Cancellation)).Remaining.ShouldBe(0);
        server.Home.LeaseFiles().ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_a_network_nothing_is_returned()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(10);
        await using var offline = server.ClientWithoutNetwork();

        await Should.ThrowAsync<PyResolveException>(offline.Quota.ReturnPrepaidAsync(MigrationTier.Tier2, Cancellation));

        (await offline.Quota.GetPrepaidAsync(MigrationTier.Tier2, Cancellation)).Remaining.ShouldBe(10);
    }

    [Fact]
    public async Task Units_of_another_tier_stay()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(10);
        await using var client = server.Client();

        (await client.Quota.ReturnPrepaidAsync(MigrationTier.Tier3, Cancellation)).ShouldBe(new(MigrationTier.Tier3, 0, null));

        (await client.Quota.GetPrepaidAsync(MigrationTier.Tier2, Cancellation)).Remaining.ShouldBe(10);
    }

    [Fact]
    public async Task Settling_returns_what_is_used_up_and_nothing_else()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(2);
        await server.PrepayAsync(5, tier: MigrationTier.Tier3);
        await SpendAsync(server, 2);
        await using var client = server.Client();

        (await client.Quota.SettlePrepaidAsync(Cancellation)).ShouldBe(1);

        (await client.Quota.GetPrepaidAsync(MigrationTier.Tier3, Cancellation)).Remaining.ShouldBe(5);
        server.Events.Count.ShouldBe(2);
    }

    [Fact]
    public async Task At_most_what_the_account_has_left_is_prepaid()
    {
        await using var server = await LeasingServer.StartAsync();
        server.Remaining = 3;
        await using var client = server.Client(options => options.PrepaidMigrations = 20);

        (await client.Quota.PrepayAsync(MigrationTier.Tier2, Cancellation)).Remaining.ShouldBe(3);

        server.Remaining = 0;
        (await client.Quota.PrepayAsync(MigrationTier.Tier3, Cancellation)).ShouldBe(new(MigrationTier.Tier3, 0, null));
    }

    [Fact]
    public async Task A_lease_whose_answer_was_lost_with_its_process_is_requested_again_and_issued_once()
    {
        await using var server = await LeasingServer.StartAsync();
        await using (var dying = server.Client(options =>
            (options.PrepaidMigrations, options.RequestTimeout) = (5, TimeSpan.FromSeconds(2))))
        {
            server.Script.LoseAnswers("POST /quota/reservations", 3);
            await Should.ThrowAsync<PyResolveException>(dying.Quota.PrepayAsync(MigrationTier.Tier2, Cancellation));
        }

        await server.PrepayAsync(5);

        (server.Reservations, server.LeaseRequests.Select(request => request.Header("Idempotency-Key")).Distinct().Count())
            .ShouldBe((1, 1));
        server.Home.LeaseFiles().Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_server_without_leases_is_reported_and_the_reservation_is_released()
    {
        await using var server = await LeasingServer.StartAsync();
        server.IssuesLeases = false;
        await using var client = server.Client(options => options.PrepaidMigrations = 5);

        (await Should.ThrowAsync<PyResolveException>(client.Quota.PrepayAsync(MigrationTier.Tier2, Cancellation)))
            .Message.ShouldContain("PYRESOLVE_LEASE_KEY");

        server.Released.Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_expired_lease_is_returned_after_its_events_have_arrived()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(5, TimeSpan.FromHours(1));
        var lease = await SpendAsync(server, 2);
        server.Clock.Advance(TimeSpan.FromHours(2));

        await server.ReconnectAsync();

        server.Events.Values.ShouldBe([lease, lease]);
        server.Released.ShouldContain(lease);
        var order = server.Script.Requests.Select(request => request.Route).ToList();
        order.IndexOf("POST /usage/batch").ShouldBeLessThan(order.IndexOf($"DELETE /quota/reservations/{lease}"));
        server.Home.LeaseFiles().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_denial_also_returns_an_expired_lease_because_its_units_may_be_missing()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(5, TimeSpan.FromHours(1));
        server.Clock.Advance(TimeSpan.FromHours(2));
        server.Remaining = 0;

        await server.ReconnectAsync();

        server.Released.Count.ShouldBe(1);
        server.Home.LeaseFiles().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_lease_is_not_returned_while_its_events_cannot_be_sent()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(5, TimeSpan.FromHours(1));
        await using (await BusyOutboxAsync(server))
        {
            server.Clock.Advance(TimeSpan.FromHours(2));
            await server.ReconnectAsync();
            server.Released.Count.ShouldBe(1, "the permit of the reconnection alone");
        }

        await server.ReconnectAsync();
        server.Home.LeaseFiles().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_as_events_does_not_keep_a_lease_from_being_returned()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(5, TimeSpan.FromHours(1));
        var lease = await SpendAsync(server, 2);
        var strange = Path.Combine(Path.GetDirectoryName(server.Home.OutboxFiles().Single())!, "0.events");
        await File.WriteAllTextAsync(strange, "PYRSEG99 of a later version", Cancellation);
        server.Clock.Advance(TimeSpan.FromHours(2));

        await server.ReconnectAsync();

        server.Released.ShouldContain(lease);
        server.Events.Count.ShouldBe(2);
        File.Exists(strange).ShouldBeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task Unreadable_leases_do_not_keep_events_from_being_sent(int prepaid)
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(5);
        await SpendAsync(server, 2);
        var trust = Directory.GetFiles(Path.Combine(server.Home.Path, "leases"), "*.json").Single();
        File.Delete(trust);
        Directory.CreateDirectory(trust);

        await server.ReconnectAsync(prepaid);

        server.Events.Count.ShouldBe(2);
    }

    [Fact]
    public async Task An_open_permit_keeps_its_expired_lease_for_a_day()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(5, TimeSpan.FromHours(1));
        await using var offline = server.ClientWithoutNetwork();
        _ = await offline.Quota.AcquireAsync(Tier2, Cancellation);

        server.Clock.Advance(TimeSpan.FromHours(20));
        await server.ReconnectAsync();
        server.Home.LeaseFiles().Count.ShouldBe(1);

        server.Clock.Advance(TimeSpan.FromHours(20));
        await server.ReconnectAsync();
        server.Home.LeaseFiles().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_lease_near_its_expiry_is_replaced_and_returned()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(5, TimeSpan.FromHours(4));
        var old = server.Home.LeaseFiles().Single();
        server.Clock.Advance(TimeSpan.FromHours(3.5));

        await server.ReconnectAsync(prepaid: 5);

        server.LeaseRequests.Count.ShouldBe(2);
        server.Released.ShouldContain(Guid.ParseExact(Path.GetFileNameWithoutExtension(old), "N"));
        server.Home.LeaseFiles().Single().ShouldNotBe(old);
    }

    [Fact]
    public async Task Two_processes_that_prepay_at_once_prepay_once()
    {
        await using var server = await LeasingServer.StartAsync();

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => server.PrepayAsync(5)));

        server.LeaseRequests.Count.ShouldBe(1);
    }

    /// <summary>Takes and completes units, without the server.</summary>
    private static async Task<Guid> SpendAsync(LeasingServer server, int units)
    {
        await using var offline = server.ClientWithoutNetwork();
        await using var permit = await offline.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2) { Quantity = units }, Cancellation);
        await permit.CompleteAsync(new(), Cancellation);
        return permit.ReservationId.ShouldNotBeNull();
    }

    /// <summary>A process with an event to report, and no network.</summary>
    private static async Task<PyResolveClient> BusyOutboxAsync(LeasingServer server)
    {
        var offline = server.ClientWithoutNetwork();
        await using var permit = await offline.Quota.AcquireAsync(Tier2, Cancellation);
        await permit.CompleteAsync(new(), Cancellation);
        return offline;
    }
}
