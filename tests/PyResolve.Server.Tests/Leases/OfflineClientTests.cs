using System.Globalization;
using PyResolve.Client;

namespace PyResolve.Server.Tests.Leases;

/// <summary>The SDK with leases of this server: offline work settles exactly. The pro plan has 50 migrations.</summary>
public sealed class OfflineClientTests(SharedServers servers) : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("pyresolve-offline-").FullName;

    private static readonly MigrationRequest Tier2 = new("pydantic", MigrationTier.Tier2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory, OnBothEngines]
    public async Task Work_on_a_prepaid_lease_takes_its_units_when_the_server_is_back(StorageEngine engine)
    {
        await using var own = await StartAsync(engine);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'pro'");
        await using (var online = Online(account))
            (await online.Quota.PrepayAsync(MigrationTier.Tier2, Cancellation)).Remaining.ShouldBe(20);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 20, Remaining: 30));

        await using (var offline = Offline(account))
        {
            await using var done = await offline.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2) { Quantity = 3 }, Cancellation);
            await done.CompleteAsync(new() { FilesChanged = 4 }, Cancellation);
            await using var given = await offline.Quota.AcquireAsync(Tier2, Cancellation);
            given.IsOffline.ShouldBeTrue();
        }

        await using var back = Online(account);
        await back.Usage.FlushAsync(Cancellation);
        (back.Usage.Sent, back.Usage.Rejected).ShouldBe((3, 0), back.Usage.LastRejection?.Message);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 3, Held: 17, Remaining: 30));
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task Taking_returning_and_prepaying_in_a_loop_never_exceeds_the_quota(StorageEngine engine)
    {
        await using var own = await StartAsync(engine);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'pro'");
        var done = 0;
        for (var round = 0; round < 6; round++)
        {
            await using (var online = Online(account))
            {
                await online.Quota.PrepayAsync(MigrationTier.Tier2, Cancellation);
                await online.Usage.FlushAsync(Cancellation);
            }

            await using var offline = Offline(account);
            for (var i = 0; i < 15; i++)
            {
                await using var permit = await offline.Quota.AcquireAsync(Tier2, Cancellation);
                if (permit.IsGranted && i % 5 != 0)
                {
                    await permit.CompleteAsync(new(), Cancellation);
                    done++;
                }
            }
        }

        await using var back = Online(account);
        await back.Usage.FlushAsync(Cancellation);
        var quota = await account.QuotaAsync();
        (quota.Used, quota.Used + quota.Held <= 50).ShouldBe((done, true));
        done.ShouldBe(50);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task A_used_up_lease_is_settled_and_a_used_up_quota_spends_what_is_prepaid(StorageEngine engine)
    {
        await using var own = await StartAsync(engine);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'pro'");
        await using var client = Online(account);
        await client.Quota.PrepayAsync(MigrationTier.Tier2, Cancellation);
        await using var everythingElse = await client.Quota.AcquireAsync(
            new("pydantic", MigrationTier.Tier2) { Quantity = 30 }, Cancellation);

        for (var i = 0; i < 20; i++)
        {
            await using var permit = await client.Quota.AcquireAsync(Tier2, Cancellation);
            permit.IsOffline.ShouldBeTrue();
            await permit.CompleteAsync(new(), Cancellation);
        }

        (await client.Quota.AcquireAsync(Tier2, Cancellation)).Denial.ShouldNotBeNull().Code.ShouldBe("quota_exceeded");
        await client.Usage.FlushAsync(Cancellation);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 20, Held: 30, Remaining: 0));
        (await own.Store.ReadNumberAsync("select count(*) from reservations where state = 'committed'")).ShouldBe(1);
    }

    /// <summary>The client has the system's clock, so the server starts with it.</summary>
    private Task<OwnServer> StartAsync(StorageEngine engine) =>
        LeaseDriver.StartAsync(engine, servers, TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture));

    private PyResolveClient Online(TestAccount account) => PyResolveClient.Create(Options(account));

    private PyResolveClient Offline(TestAccount account)
    {
        var options = Options(account);
        options.ShutdownTimeout = TimeSpan.Zero;
        return new(new HttpClient(new NoNetwork()), options);
    }

    private PyResolveClientOptions Options(TestAccount account) =>
        new() { ApiUrl = account.Http.BaseAddress, ApiKey = account.ApiKey, Home = _home, PrepaidMigrations = 20 };

    private sealed class NoNetwork : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(new HttpRequestException("No network."));
    }
}
