using PyResolve.Server.Tests.Leases;

namespace PyResolve.Server.Tests.Alerts;

/// <summary>Emails at shares of the month's quota, of which the free plan has five migrations.</summary>
public sealed class AlertTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task An_email_comes_at_80_and_at_100_per_cent_once_a_month(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers, startAt: "2026-11-30T23:00:00Z");
        await alerting.RecordAsync(3);
        (await alerting.ReachedAsync()).ShouldBe("");

        await alerting.RecordAsync(1);
        (await alerting.ReachedAsync()).ShouldBe("80");
        await alerting.RecordAsync(4);

        (await alerting.ReachedAsync()).ShouldBe("80 100");
        (await alerting.SubjectsAsync(2)).ShouldBe(
            ["80 % of the migrations of November 2026 are used", "The migrations of November 2026 are used up"], ignoreOrder: true);
        alerting.Clock.Advance(TimeSpan.FromHours(1));
        await alerting.RecordAsync(4);
        (await alerting.SubjectsAsync(3)).ShouldContain("80 % of the migrations of December 2026 are used");
    }

    [Theory, OnEveryEngine]
    public async Task The_email_says_what_is_used_and_left_and_how_to_change_it(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);

        await alerting.RecordAsync(4);
        await alerting.SubjectsAsync(1);

        var text = alerting.Emails.Single().TextBody!;
        text.ShouldContain("has used 4 of the 5 migrations that its plan has for November 2026. 1 of them is left until 1 December 2026.");
        text.ShouldContain("/app/plan");
        text.ShouldContain("/app/alerts");
        alerting.Emails.Single().To.Mailboxes.Single().Address.ShouldBe(alerting.Account.Email);
    }

    [Theory, OnEveryEngine]
    public async Task A_batch_that_reaches_several_shares_gives_an_email_for_each(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);
        var usage = new { event_type = "migration", tier = "tier1" };

        (await alerting.Account.Key.PostAsync("/usage/batch", new { events = Enumerable.Repeat(usage, 7) })).Status.ShouldBe(200);

        (await alerting.ReachedAsync()).ShouldBe("80 100");
        (await alerting.SubjectsAsync(2)).Count.ShouldBe(2);
    }

    [Theory, OnEveryEngine]
    public async Task Commits_count_and_what_is_held_does_not(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);
        var reserved = await alerting.Account.ReserveAsync(5);
        (await alerting.ReachedAsync()).ShouldBe("");

        (await alerting.Account.CommitAsync(reserved.Id(), new { quantity = 4 })).Status.ShouldBe(200);

        (await alerting.ReachedAsync()).ShouldBe("80");
    }

    [Theory, OnEveryEngine]
    public async Task Units_that_an_operator_gave_are_part_of_the_quota(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);
        await alerting.RecordAsync(1);
        await alerting.Store.ExecuteSqlAsync("update usage_monthly set extra = 5");

        await alerting.RecordAsync(4);
        (await alerting.ReachedAsync()).ShouldBe("");
        await alerting.RecordAsync(3);

        (await alerting.ReachedAsync()).ShouldBe("80");
    }

    [Theory, OnEveryEngine]
    public async Task What_a_lease_leaves_unsettled_counts_when_it_ends(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);
        (await alerting.Account.LeaseAsync(5, TimeSpan.FromMinutes(5))).Status.ShouldBe(201);

        alerting.Clock.Advance(TimeSpan.FromMinutes(6));

        await Eventually.IsTrueAsync(
            async () =>
            {
                alerting.Clock.Advance(TimeSpan.FromSeconds(1));
                return await alerting.ReachedAsync() == "80 100";
            },
            cancellationToken: TestContext.Current.CancellationToken);
    }

    [Theory, OnEveryEngine]
    public async Task Other_events_and_earlier_months_give_no_email(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);

        for (var i = 0; i < 6; i++)
        {
            await alerting.Account.Key.PostAsync("/usage", new { event_type = "scan" });
            await alerting.Account.Key.PostAsync(
                "/usage", new { event_type = "migration", tier = "tier1", occurred_at = alerting.Clock.GetUtcNow().AddDays(-20) });
        }

        (await alerting.ReachedAsync()).ShouldBe("");
    }

    [Theory, OnEveryEngine]
    public async Task A_plan_without_a_limit_gives_none_and_one_that_ended_counts_no_longer(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);
        var end = alerting.Clock.GetUtcNow().AddHours(1);
        await alerting.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        await alerting.RecordAsync(8);
        (await alerting.ReachedAsync()).ShouldBe("");

        await alerting.SetPlanEndAsync(end);
        alerting.Clock.Advance(TimeSpan.FromHours(2));
        await alerting.RecordAsync(1);

        (await alerting.ReachedAsync()).ShouldBe("80 100");
    }

    [Theory, OnEveryEngine]
    public async Task The_emails_of_an_account_go_with_it(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);
        await alerting.RecordAsync(4);

        var deleted = await alerting.Account.Session.SendAsync(
            HttpMethod.Delete, "/auth/account", new { password = TestAccount.Password });

        deleted.Status.ShouldBe(204, deleted.Text);
        (await alerting.ReachedAsync()).ShouldBe("");
        (await alerting.SubjectsAsync(0)).ShouldBeEmpty();
    }
}
