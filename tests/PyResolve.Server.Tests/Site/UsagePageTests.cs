using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Statistics;

namespace PyResolve.Server.Tests.Site;

/// <summary><c>/app/usage</c>, and what the overview says of usage.</summary>
public sealed class UsagePageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_month_is_shown_by_day_with_the_month_before(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        await account.ReportAsync("pydantic", "tier1", tokens: 1200, files: 3, occurredAt: "2026-11-02T08:00:00Z");
        await account.ReportAsync("pydantic", "tier1", occurredAt: "2026-10-28T08:00:00Z");
        await account.ReportAsync("django", "tier2", occurredAt: "2026-10-15T12:00:00Z");

        var page = await PageAsync(person, "/app/usage");

        page.ShouldContain("<h1>Usage in November 2026</h1>");
        page.ShouldContain("1 fewer than in October 2026");
        page.ShouldContain("A bar for each day: 1 migration in all.");
        Rows(page).ShouldBe(["2 Nov|1|1,200|0", "15 Nov|0|0|1"]);
        page.ShouldContain("from=2026-11-02&amp;to=2026-11-02");
        page.ShouldContain("A bar for each of the last 12 months: 3 migrations in all.");
    }

    [Theory, OnBothEngines]
    public async Task A_month_is_shown_by_library_by_key_and_by_tier(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        var prefix = account.ApiKey[..20];
        await account.ReportAsync("pydantic", "tier1");
        await account.ReportAsync("pydantic", "tier2");
        await account.ReportAsync("django", occurredAt: "2026-10-28T08:00:00Z");
        await account.Session.PostAsync("/usage", new { event_type = "migration" });

        var byLibrary = await PageAsync(person, "/app/usage?by=library");
        var byKey = await PageAsync(person, "/app/usage?by=key&month=2026-11");
        var byTier = await PageAsync(person, "/app/usage?by=tier");

        Rows(byLibrary).ShouldBe(["pydantic|2|0", "django|0|1", "No library named|1|0"]);
        Rows(byKey).ShouldBe(
            [$"Default {prefix}…|2|1", "No key Reported by a session, or before keys were recorded|1|0"]);
        Rows(byTier).ShouldBe(["tier1 Without an LLM|1|0", "tier2 and tier3 With an LLM|1|0", "No tier named|1|1"]);
        byLibrary.ShouldContain("library=pydantic");
        byKey.ShouldContain($"key={await account.KeyIdAsync()}");
    }

    [Theory, OnBothEngines]
    public async Task A_month_without_usage_says_so_and_a_wrong_one_is_refused(StorageEngine engine)
    {
        var (_, person) = await SignedInAsync(engine);

        (await PageAsync(person, "/app/usage")).ShouldContain("Nothing was used in November 2026 yet.");
        (await PageAsync(person, "/app/usage?month=2025-02&by=key")).ShouldContain("Nothing was used in February 2025.");
        foreach (var query in (string[])["month=2026-13", "month=0001-01", "month=9999-12", "month=x", "by=week"])
            (await person.GetAsync($"/app/usage?{query}")).Status.ShouldBe(422, query);
        (await person.GetAsync("/app/usage/csv?month=0001-01")).Status.ShouldBe(422);
    }

    [Theory, OnBothEngines]
    public async Task The_CSV_of_the_page_is_that_of_the_API(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        await account.ReportAsync("pydantic");

        var fromPage = await person.GetAsync("/app/usage/csv?month=2026-11");
        var fromApi = await account.Key.GetAsync("/usage/export.csv?month=2026-11");

        (fromPage.Status, fromPage.ContentType, fromPage.Text).ShouldBe((200, "text/csv", fromApi.Text));
        fromPage.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Theory, OnBothEngines]
    public async Task The_overview_says_where_the_month_is_heading_and_shows_the_latest_events(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        for (var i = 0; i < 2; i++)
            await account.ReportAsync("pydantic", occurredAt: "2026-11-14T12:00:00Z");
        await account.ReportAsync("before", occurredAt: "2026-10-20T12:00:00Z");
        await account.Session.PostAsync(
            "/auth/api-keys", new { name = "Short", expires_at = "2026-11-20T00:00:00Z" });

        var page = await PageAsync(person, "/app");

        // 2 in 6.5 days, and 15.5 days are left: 2 + 4.8.
        page.ShouldContain("the 5 of the plan are used up about 25 November");
        page.ShouldContain("A bar for each day of November 2026: 2 so far. Paler bars are expected. The line is the plan&#x27;s limit of 5.");
        page.ShouldContain("A bar for each day from 17 Oct to 15 Nov: 3 migrations in all.");
        Rows(page).ShouldBe(["14 Nov 2026 12:00 UTC|migration|pydantic|1", "14 Nov 2026 12:00 UTC|migration|pydantic|1",
            "20 Oct 2026 12:00 UTC|migration|before|1"]);
        page.ShouldContain("<bdi>Short</bdi></a> works until <time datetime=\"2026-11-20T00:00:00Z\">");
    }

    private async Task<(TestAccount Account, Person Person)> SignedInAsync(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        return (account, await Person.SignedInAsync(await servers.OnAsync(engine), account));
    }

    private static async Task<string> PageAsync(Person person, string path)
    {
        var page = await person.GetAsync(path);
        page.Status.ShouldBe(200, page.Text);
        return page.Text;
    }

    private static List<string> Rows(string page) => PageTable.Rows(page);
}
