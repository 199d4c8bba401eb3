namespace PyResolve.Client.Tests.Leases;

/// <summary>Invalid leases and wrong clocks.</summary>
public sealed class LeaseRefusalTests
{
    private static readonly MigrationRequest Tier2 = new("pydantic", MigrationTier.Tier2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lease_that_was_copied_to_another_machine_is_refused()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        File.WriteAllText(Path.Combine(server.Home.Path, "leases", "machine"), "0123456789abcdef0123456789abcdef");

        (await DenialAsync(server)).ShouldContain("was prepaid on another machine");
    }

    [Fact]
    public async Task A_copied_home_has_no_leases()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        var copy = server.Home.Path + "-copy";
        server.Home.CopyTo(copy);
        await using var offline = server.ClientWithoutNetwork(options => options.Home = copy);

        (await offline.Quota.AcquireAsync(Tier2, Cancellation)).Denial.ShouldNotBeNull()
            .Message.ShouldContain("was prepaid on another machine");
    }

    [Fact]
    public async Task A_lease_that_names_the_host_as_earlier_versions_did_is_still_spent_and_returned()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        var machine = MachineIdentity.In(Path.Combine(server.Home.Path, "leases"), Environment.MachineName);
        var earlier = server.Home.EarlierMachine(Environment.MachineName);
        server.Home.RewriteLease(token =>
        {
            var lease = LeaseVerifier.Parse(token)!;
            return server.Sign(lease.Id, lease.Quantity, lease.Tier, earlier, lease.ExpiresAt, lease.Account);
        });
        await using var offline = server.ClientWithoutNetwork();

        (await offline.Quota.AcquireAsync(Tier2, Cancellation)).IsGranted.ShouldBeTrue();
        earlier.ShouldNotBe(machine.Current);
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task A_lease_is_spent_under_another_host_name_as_containers_and_laptops_get()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        using var process = await SpendingProcess.StartElsewhereAsync(server, hostName: "elsewhere", threads: 1);
        Assert.SkipUnless(process is not null, "Only root on Linux can give a process another host name.");

        (await SpendingProcess.RunAsync(process!)).ShouldBe(1);
    }

    [Theory]
    [InlineData("qty", "3", "900")]
    [InlineData("tier", "tier2", "tier3")]
    [InlineData("typ", "pyr-lease+jwt", "JWT")]
    [InlineData("alg", "ES256", "none")]
    public async Task A_lease_that_was_edited_is_refused(string name, string from, string to)
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        var quote = name == "qty" ? "" : "\"";

        server.Home.RewriteLease(token => token.Edit($"\"{name}\":{quote}{from}{quote}", $"\"{name}\":{quote}{to}{quote}"));

        (await DenialAsync(server)).ShouldContain("is not what the server signed");
    }

    [Fact]
    public async Task A_signature_with_another_key_is_refused()
    {
        await using var server = await LeasingServer.StartAsync();
        await using var other = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);

        server.Home.RewriteLease(token =>
        {
            var lease = LeaseVerifier.Parse(token)!;
            return other.Sign(lease.Id, lease.Quantity, lease.Tier, lease.Machine, lease.ExpiresAt, lease.Account);
        });

        (await DenialAsync(server)).ShouldContain("is not what the server signed");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_lease_of_another_account_or_another_server_is_refused(bool account)
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);

        server.Home.RewriteLease(token =>
        {
            var lease = LeaseVerifier.Parse(token)!;
            server.Issuer = account ? server.Issuer : "https://elsewhere.example";
            var owner = account ? Guid.CreateVersion7() : lease.Account;
            return server.Sign(lease.Id, lease.Quantity, lease.Tier, lease.Machine, lease.ExpiresAt, owner);
        });

        (await DenialAsync(server)).ShouldContain("another account or another server");
    }

    [Fact]
    public async Task A_token_of_another_type_with_the_right_signature_is_refused()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);

        server.Home.RewriteLease(token =>
        {
            var lease = LeaseVerifier.Parse(token)!;
            return server.Sign(lease.Id, lease.Quantity, lease.Tier, lease.Machine, lease.ExpiresAt, type: "JWT");
        });

        (await DenialAsync(server)).ShouldContain("is not what the server signed");
    }

    [Fact]
    public async Task A_lease_whose_key_was_withdrawn_is_refused()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        var trust = Directory.GetFiles(Path.Combine(server.Home.Path, "leases"), "*.json").Single();

        File.WriteAllText(trust, File.ReadAllText(trust).Replace("key-1", "key-2"));

        (await DenialAsync(server)).ShouldContain("signed by a key that it has withdrawn");
    }

    [Fact]
    public async Task A_lease_in_two_files_counts_once()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(1);
        var lease = server.Home.LeaseFiles().Single();
        File.Copy(lease, Path.Combine(Path.GetDirectoryName(lease)!, $"{Guid.CreateVersion7():N}.lease"));
        await using var offline = server.ClientWithoutNetwork();

        (await offline.Quota.AcquireAsync(Tier2, Cancellation)).IsGranted.ShouldBeTrue();
        (await offline.Quota.AcquireAsync(Tier2, Cancellation)).IsGranted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_lease_is_lost_with_its_ledger()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);

        File.Delete(server.Home.LeaseFiles().Single());

        (await DenialAsync(server)).ShouldContain("none is prepaid");
    }

    [Fact]
    public async Task An_expired_lease_stays_refused_when_the_clock_is_set_back()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3, TimeSpan.FromHours(1));

        server.Clock.Advance(TimeSpan.FromHours(1));
        (await DenialAsync(server)).ShouldContain("has expired");
        server.Clock.SetBack(TimeSpan.FromMinutes(30));
        (await DenialAsync(server)).ShouldContain("clock was set back");
    }

    [Fact]
    public async Task A_clock_that_was_set_back_is_noticed_by_the_next_process_and_going_online_fixes_it()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        server.Clock.Advance(TimeSpan.FromHours(2));
        await using (var first = server.ClientWithoutNetwork())
            (await first.Quota.AcquireAsync(Tier2, Cancellation)).IsGranted.ShouldBeTrue();

        server.Clock.SetBack(TimeSpan.FromHours(1));
        (await DenialAsync(server)).ShouldContain("clock was set back");

        await server.PrepayAsync(3);
        await using var after = server.ClientWithoutNetwork();
        (await after.Quota.AcquireAsync(Tier2, Cancellation)).IsGranted.ShouldBeTrue();
    }

    [Fact]
    public async Task A_clock_that_is_set_back_while_the_process_runs_is_noticed_though_nothing_was_taken_before()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        await using var offline = server.ClientWithoutNetwork();

        server.Clock.Advance(TimeSpan.FromHours(2));
        server.Clock.SetBack(TimeSpan.FromHours(1));

        (await offline.Quota.AcquireAsync(Tier2, Cancellation)).Denial.ShouldNotBeNull().Message.ShouldContain("clock was set back");
    }

    [Fact]
    public async Task A_clock_from_before_the_lease_is_refused()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);

        server.Clock.SetBack(TimeSpan.FromDays(3));

        (await DenialAsync(server)).ShouldContain("clock was set back");
    }

    [Fact]
    public async Task A_clock_set_back_by_a_minute_is_tolerated()
    {
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);

        server.Clock.SetBack(TimeSpan.FromMinutes(1));

        await using var offline = server.ClientWithoutNetwork();
        (await offline.Quota.AcquireAsync(Tier2, Cancellation)).IsGranted.ShouldBeTrue();
    }

    /// <summary>The denial that a new process without a network gets.</summary>
    private static async Task<string> DenialAsync(LeasingServer server)
    {
        await using var offline = server.ClientWithoutNetwork();
        await using var permit = await offline.Quota.AcquireAsync(Tier2, Cancellation);
        permit.Denial.ShouldNotBeNull().Code.ShouldBe(PyResolveErrorCodes.Offline);
        return permit.Denial.Message;
    }
}
