using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Site;

namespace PyResolve.Server.Tests.Operators;

public sealed class ServerPageTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task Dead_events_are_seen_and_replayed_with_a_reason(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var person = await billing.Own.SignInOperatorAsync(OperatorRole.Admin);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");
        await billing.WaitUntilProcessedAsync();
        await billing.Store.ExecuteSqlAsync("update stripe_events set state = 'dead', note = '<b>Stripe was down</b>'");

        var health = await person.GetAsync("/operator");
        var dead = await person.GetAsync("/operator/events?state=dead");
        var refused = await person.SendFormAsync("/operator/events/replay", []);
        var replayed = await person.SendFormAsync("/operator/events/replay", new() { ["reason"] = "Stripe is back" });
        await billing.WaitUntilProcessedAsync();

        health.Text.ShouldContain("They will not be retried");
        dead.Text.ShouldContain("&lt;b&gt;Stripe was down&lt;/b&gt;");
        PageTable.Rows(dead.Text).Count.ShouldBe(1);
        (refused.Status, replayed.Status).ShouldBe((422, 303));
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events where state = 'dead'")).ShouldBe(0);
        (await person.GetAsync("/operator/audit?action=stripe.events_replayed")).Text.ShouldContain("Stripe is back");
    }

    [Theory, OnEveryEngine]
    public async Task The_first_page_adds_up_what_all_accounts_used_today(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Support);
        var (one, other) = (await own.SignUpAsync(), await own.SignUpAsync());
        foreach (var account in (TestAccount[])[one, one, other])
            await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" });
        await own.SignUpAsync();

        var today = await person.GetAsync("/operator");
        own.Clock.Advance(TimeSpan.FromDays(1));
        var tomorrow = await person.GetAsync("/operator");

        today.Text.ShouldContain("<h2>Migrations today</h2>\n<p class=\"price\">3</p>\n<p>Of 2 accounts, since midnight, UTC.</p>");
        tomorrow.Text.ShouldContain("<p>Of 0 accounts, since midnight, UTC.</p>");
    }

    [Theory, OnEveryEngine]
    public async Task A_long_list_of_events_is_shown_page_by_page_each_once(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var person = await billing.Own.SignInOperatorAsync(OperatorRole.Support);
        for (var i = 0; i < 120; i++)
        {
            var at = engine is not StorageEngine.Sqlite ? "timestamptz '2026-11-15 12:00:00Z'" : "1794744000000000";
            await billing.Store.ExecuteSqlAsync(
                $"""
                insert into stripe_events (origin, event_id, type, payload, state, received_at, next_attempt_at)
                select 'test', 'evt_{i:000}', 'invoice.paid', '', 'ignored', {at}, {at}
                """);
        }

        var seen = new List<string>();
        for (var path = "/operator/events?state=ignored"; path.Length > 0;)
        {
            var page = await person.GetAsync(path);
            page.Text.Length.ShouldBeLessThan(60_000);
            seen.AddRange(PageTable.Rows(page.Text).Select(static row => row.Split('|')[1]));
            seen.Count.ShouldBeLessThan(200);
            var next = page.Text.Split("state=ignored&amp;cursor=");
            path = next.Length == 2 ? $"/operator/events?state=ignored&cursor={next[1].Split('"')[0]}" : "";
        }

        seen.ShouldBe([.. Enumerable.Range(0, 120).Reverse().Select(static i => $"invoice.paid evt_{i:000}")]);
    }

    [Theory, OnEveryEngine]
    public async Task The_log_of_all_accounts_is_filtered_and_paged(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Admin, "grace@example.com");
        var ada = await own.SignUpAsync("ada@example.com");
        for (var i = 0; i < 60; i++)
            (await ada.Session.SendAsync(HttpMethod.Patch, "/me", new { name = $"Ada {i}" })).Status.ShouldBe(200);
        await person.SendAsync(ada, "plan", new() { ["plan"] = "pro" });

        var first = await person.GetAsync("/operator/audit?action=account.renamed");
        var next = first.Text.Split("action=account.renamed&amp;cursor=")[1].Split('"')[0];
        var second = await person.GetAsync($"/operator/audit?action=account.renamed&cursor={next}");
        var byOperators = await person.GetAsync("/operator/audit?by=operators");
        var wrong = await person.GetAsync("/operator/audit?cursor=x");

        (PageTable.Rows(first.Text).Count, PageTable.Rows(second.Text).Count, wrong.Status).ShouldBe((50, 10, 400));
        first.Text.Length.ShouldBeLessThan(60_000);
        PageTable.Rows(byOperators.Text).ShouldHaveSingleItem().ShouldContain("|ada@example.com|grace@example.com");
    }

    [Theory, OnEveryEngine]
    public async Task An_event_is_found_by_its_id_or_by_its_customer(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var person = await billing.Own.SignInOperatorAsync(OperatorRole.Support);
        var at = engine is not StorageEngine.Sqlite ? "timestamptz '2026-11-15 12:00:00Z'" : "1794744000000000";
        foreach (var (id, customer) in ((string, string)[])[("evt_1", "cus_a"), ("evt_2", "cus_b"), ("evt_3", "cus_a")])
        {
            await billing.Store.ExecuteSqlAsync(
                $"""
                insert into stripe_events (origin, event_id, type, customer_id, payload, state, received_at, next_attempt_at)
                select 'test', '{id}', 'invoice.paid', '{customer}', '', 'ignored', {at}, {at}
                """);
        }

        (await FoundAsync("evt_2")).ShouldBe(["evt_2"]);
        (await FoundAsync("cus_a")).ShouldBe(["evt_3", "evt_1"]);
        (await FoundAsync("cus_a&state=dead")).ShouldBeEmpty();
        (await person.GetAsync($"/operator/events?q={new string('x', 256)}")).Status.ShouldBe(400);

        async Task<List<string>> FoundAsync(string query) =>
            [.. PageTable.Rows((await person.GetAsync($"/operator/events?q={query}")).Text)
                .Select(static row => row.Split('|')[1].Split(' ')[1])];
    }

    [Theory, OnEveryEngine]
    public async Task The_log_of_one_account_is_found_by_its_address_or_its_id(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Admin, "grace@example.com");
        var ada = await own.SignUpAsync("ada@example.com");
        for (var i = 0; i < 60; i++)
            await ada.Session.SendAsync(HttpMethod.Patch, "/me", new { name = $"Ada {i}" });

        var first = await person.GetAsync("/operator/audit?account=Ada@Example.com&action=account.renamed");
        var next = first.Text.Split("action=account.renamed&amp;cursor=")[1].Split('"')[0];
        var second = await person.GetAsync($"/operator/audit?account={ada.UserId}&action=account.renamed&cursor={next}");
        var nobody = await person.GetAsync("/operator/audit?account=nobody@example.com");

        (PageTable.Rows(first.Text).Count, PageTable.Rows(second.Text).Count).ShouldBe((50, 10));
        PageTable.Rows(first.Text).ShouldAllBe(static row => row.Contains("|ada@example.com|"));
        nobody.Text.ShouldContain("There is no such entry.");
        (await person.GetAsync($"/operator/accounts/{ada.UserId}")).Text.ShouldContain($"audit?account={ada.UserId}\">All its entries");
    }

    [Fact]
    public async Task Settings_are_shown_with_their_source_and_no_secret_is()
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite,
            servers.Postgres,
            settings: new Dictionary<string, string?>
            {
                ["PyResolve:SessionDays"] = "7",
                ["PyResolve:Smtp:Password"] = "hunter2",
                ["PyResolve:Nonsense"] = "a secret under another name",
                ["PYRESOLVE_LEASE_KEY"] = null,
            });
        var person = await own.SignInOperatorAsync(OperatorRole.Support);

        var settings = await person.GetAsync("/operator/settings");
        var diagnostics = await person.GetAsync("/operator/diagnostics");

        var rows = PageTable.Rows(settings.Text);
        rows.ShouldContain("PyResolve:SessionDays|7|the program");
        rows.ShouldContain("PyResolve:Smtp:Password|Set, not shown|the program");
        rows.ShouldContain("PyResolve:Nonsense Not known: it has no effect|Set, not shown|the program");
        settings.Text.ShouldNotContain("hunter2");
        settings.Text.ShouldNotContain("a secret under");
        diagnostics.Text.ShouldContain("Database: SQLite, schema ");
        diagnostics.Text.ShouldContain("Your address, as the server sees it: 127.0.0.1");
    }
}
