using System.Globalization;
using MimeKit;
using PyResolve.Server.Tests.Email;
using PyResolve.Server.Tests.Leases;

namespace PyResolve.Server.Tests.Alerts;

/// <summary>A server that sends emails and gives leases, and an account of it.</summary>
internal sealed class AlertingServer : IAsyncDisposable
{
    private readonly OwnServer _own;
    private readonly TestMailbox _mailbox;

    private AlertingServer(OwnServer own, TestMailbox mailbox, TestAccount account) => (_own, _mailbox, Account) = (own, mailbox, account);

    public TestAccount Account { get; }

    public TestServer Server => _own.Server;

    public TestClock Clock => _own.Clock;

    public TestStore Store => _own.Store;

    /// <summary>Those of alerts.</summary>
    public IReadOnlyList<MimeMessage> Emails =>
        [.. _mailbox.Emails.Where(static email => email.Subject!.Contains("migrations of", StringComparison.Ordinal))];

    public static async Task<AlertingServer> StartAsync(
        StorageEngine engine, SharedServers servers, string? startAt = null)
    {
        var mailbox = new TestMailbox();
        var all = new Dictionary<string, string?>(mailbox.Settings) { ["PYRESOLVE_LEASE_KEY"] = LeaseDriver.DrawKey() };
        var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt, all);
        return new AlertingServer(own, mailbox, await own.SignUpAsync());
    }

    public async Task RecordAsync(int migrations)
    {
        for (var i = 0; i < migrations; i++)
            (await Account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);
    }

    /// <summary>The shares that this month has reached, in order.</summary>
    public async Task<string> ReachedAsync()
    {
        var month = Clock.GetUtcNow().ToString("yyyy-MM", CultureInfo.InvariantCulture);
        var sorted = $"select percent from usage_alerts where month = '{month}' order by percent";
        var list = Store.Engine is not StorageEngine.Sqlite ? "string_agg(percent::text, ' ')" : "group_concat(percent, ' ')";
        return await Store.ReadSqlAsync($"select {list} from ({sorted}) r") as string ?? "";
    }

    public async Task<IReadOnlyList<string>> SubjectsAsync(int count)
    {
        await Eventually.IsTrueAsync(async () =>
        {
            Clock.Advance(TimeSpan.FromSeconds(5));
            return Emails.Count >= count && await Store.ReadNumberAsync("select count(*) from letters") == 0;
        });
        return [.. Emails.Select(static email => email.Subject!)];
    }

    public Task SetPlanEndAsync(DateTimeOffset end)
    {
        var value = Store.Engine is not StorageEngine.Sqlite
            ? $"'{end:O}'"
            : ((end - DateTimeOffset.UnixEpoch).Ticks / 10).ToString(CultureInfo.InvariantCulture);
        return Store.ExecuteSqlAsync($"update profiles set plan_until = {value}, plan_then = 'free'");
    }

    public async ValueTask DisposeAsync()
    {
        await _own.DisposeAsync();
        _mailbox.Dispose();
    }
}
