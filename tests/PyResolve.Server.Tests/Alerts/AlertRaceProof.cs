using System.Globalization;
using MimeKit;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Alerts;

/// <summary>Clients race over the shares of a quota, on two instances where the store serves several: each gives one email.</summary>
[Trait("Category", "Proof")]
public sealed class AlertRaceProof(SharedServers servers)
{
    private const int Clients = 1_000;

    private static readonly int[] Percents = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100];

    [Theory, OnBothEngines]
    public async Task A_thousand_clients_race_over_ten_shares_and_give_exactly_ten_emails(StorageEngine engine)
    {
        var rounds = Scale.Pick(1, 20);
        using var mailbox = new TestMailbox();
        var settings = new Dictionary<string, string?>(mailbox.Settings)
        {
            ["PyResolve:Plans:free:MigrationsLimit"] = Clients.ToString(CultureInfo.InvariantCulture),
        };
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var first = await TestServer.StartAsync(store, settings);
        await using var second = engine is StorageEngine.Postgres ? await TestServer.StartAsync(store, settings) : null;

        for (var round = 1; round <= rounds; round++)
        {
            var account = await TestAccount.SignUpAsync(first.Http);
            foreach (var percent in Percents)
                await AddRuleAsync(store, account, percent);
            TestAccount[] doors = second is null ? [account] : [account, account.On(second.Http)];
            await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => UseOneAsync(doors[client % doors.Length], client)));

            (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: Clients, Held: 0, Remaining: 0));
            (await store.ReadNumberAsync($"select count(*) from usage_alerts where user_id = '{account.UserId}'")).ShouldBe(10);
            await Eventually.IsTrueAsync(
                async () =>
                {
                    first.Clock.Advance(TimeSpan.FromSeconds(5));
                    return await store.ReadNumberAsync("select count(*) from letters") == 0;
                },
                cancellationToken: TestContext.Current.CancellationToken);
            mailbox.Emails
                .Where(email => IsAlert(email) && email.To.Mailboxes.Single().Address == account.Email)
                .Select(static email => email.Subject)
                .Distinct()
                .Count()
                .ShouldBe(10);
        }

        mailbox.Emails.Count(IsAlert).ShouldBe(10 * rounds);
        Proofs.Report(
            "Racing alerts",
            $"{engine}, {(second is null ? 1 : 2)} instance(s): {rounds} times {Clients:N0} clients over ten shares of a quota, "
            + $"{10 * rounds} emails.");
    }

    /// <summary>A third each by an event, a batch, and a reservation that is committed.</summary>
    private static async Task UseOneAsync(TestAccount account, int client)
    {
        var usage = new { event_type = "migration", tier = "tier1" };
        switch (client % 3)
        {
            case 0:
                await ExpectAsync(200, account.Key.PostAsync("/usage", usage));
                break;
            case 1:
                await ExpectAsync(200, account.Key.PostAsync("/usage/batch", new { events = new[] { usage } }));
                break;
            default:
                var reserved = await account.ReserveAsync();
                // Usage may have passed the limit before: then the migration is reported afterwards.
                await ExpectAsync(
                    200, reserved.Status == 201 ? account.CommitAsync(reserved.Id()) : account.Key.PostAsync("/usage", usage));
                break;
        }
    }

    private static bool IsAlert(MimeMessage email) => email.Subject!.Contains("migrations of", StringComparison.Ordinal);

    private static async Task ExpectAsync(int status, Task<Answer> answering)
    {
        var answer = await answering;
        answer.Status.ShouldBe(status, answer.Text);
    }

    private static Task<int> AddRuleAsync(TestStore store, TestAccount account, int percent)
    {
        var (isOn, at) = store.Engine is StorageEngine.Postgres ? ("true", "now()") : ("1", "0");
        return store.ExecuteSqlAsync(
            $"insert into alert_rules (user_id, percent, is_on, changed_at) values ('{account.UserId}', {percent}, {isOn}, {at})");
    }
}
