using System.Text.RegularExpressions;
using PyResolve.Server.Statistics;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Statistics;

namespace PyResolve.Server.Tests.Site;

/// <summary><c>/app/usage/events</c>, and an event's own page.</summary>
public sealed partial class EventPageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Each_filter_leaves_only_what_matches(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        await account.ReportAsync("pydantic", "tier1", occurredAt: "2026-11-02T23:59:59Z");
        await account.ReportAsync("django", "tier2", occurredAt: "2026-11-03T00:00:00Z");
        await account.ReportAsync("pydantic", type: "scan", occurredAt: "2026-10-30T00:00:00Z");
        await account.Session.PostAsync("/usage", new { event_type = "llm_call", occurred_at = "2026-11-04T00:00:00Z" });
        (string Query, string[] Types)[] filters =
        [
            ("library=pydantic", ["migration", "scan"]),
            ("library=pydantic&type=migration", ["migration"]),
            ("tier=tier2", ["migration"]),
            ("type=llm_call", ["llm_call"]),
            ($"key={await account.KeyIdAsync()}", ["migration", "migration", "scan"]),
            ("from=2026-11-03", ["llm_call", "migration"]),
            ("to=2026-11-02", ["migration", "scan"]),
            ("from=2026-11-02&to=2026-11-02", ["migration"]),
            ("month=2026-10", ["scan"]),
            ("library=pydantic&tier=&type=&key=&from=&to=&month=", ["migration", "scan"]),
            ("library=nothing", []),
        ];

        foreach (var (query, types) in filters)
        {
            var page = await PageAsync(person, query);
            PageTable.Rows(page).Select(static row => row.Split('|')[1]).Order().ShouldBe(types.Order(), query);
        }
    }

    [Theory, OnBothEngines]
    public async Task Wrong_filters_are_named_and_kept_in_the_form(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        await account.ReportAsync();
        string[] wrong =
        [
            "tier=tier9", "key=x", "from=2026-13-01", "to=0001-01-01", "from=2026-11-03&to=2026-11-02", "month=2026", "library=%00",
            "type=%01", $"library={new string('x', 129)}",
        ];

        foreach (var query in wrong)
        {
            var page = await person.GetAsync($"/app/usage/events?{query}");
            page.Status.ShouldBe(422, query);
            page.Text.ShouldContain("Correct the filter above.");
        }

        (await person.GetAsync("/app/usage/events?from=2026-13-01")).Text.ShouldContain("value=\"2026-13-01\"");
        (await person.GetAsync("/app/usage/events?cursor=x")).Status.ShouldBe(422);
    }

    [Theory, OnBothEngines]
    public async Task A_page_that_is_exactly_full_has_no_next_and_one_more_event_makes_one(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        await ReportAsync(account, 50);
        var full = await PageAsync(person, "");
        await ReportAsync(account, 1);
        var first = await PageAsync(person, "");
        var second = await PageAsync(person, NextOf(first)!);

        PageTable.Rows(full).Count.ShouldBe(50);
        NextOf(full).ShouldBeNull();
        full.Length.ShouldBeLessThan(60_000);
        PageTable.Rows(first).Count.ShouldBe(50);
        PageTable.Rows(second).Count.ShouldBe(1);
        NextOf(second).ShouldBeNull();
        second.ShouldContain("Latest events");
    }

    [Theory, OnBothEngines]
    public async Task A_filter_stays_on_the_next_page(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        await ReportAsync(account, 51);
        await account.ReportAsync("django");

        var first = await PageAsync(person, "library=pydantic&month=2026-11");
        var second = await PageAsync(person, NextOf(first)!);

        NextOf(first)!.ShouldStartWith("month=2026-11&library=pydantic&cursor=");
        PageTable.Rows(second).Count.ShouldBe(1);
        NextOf(second).ShouldBeNull();
    }

    /// <summary>Exactly a window of events that do not match, then one that does.</summary>
    [Theory, OnBothEngines]
    public async Task A_filter_looks_through_a_bounded_number_of_events_and_goes_on_from_there(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var person = await Person.SignedInAsync(own.Server, account);
        await account.ReportAsync("rare");
        own.Clock.Advance(TimeSpan.FromSeconds(1));
        for (var batch = 0; batch < EventSearch.Window; batch += 1_000)
            await ReportAsync(account, 1_000);

        var first = await PageAsync(person, "library=rare");
        var second = await PageAsync(person, NextOf(first)!);
        await ReportAsync(account, 1);
        var shifted = await PageAsync(person, NextOf(await PageAsync(person, "library=rare"))!);

        first.ShouldContain("None of the 5,000 events that were looked through matches.");
        first.ShouldContain("Look through older events");
        PageTable.Rows(second).Count.ShouldBe(1);
        NextOf(second).ShouldBeNull();
        PageTable.Rows(shifted).Count.ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_list_without_events_says_what_to_do_next(StorageEngine engine)
    {
        var (_, person) = await SignedInAsync(engine);

        (await PageAsync(person, "")).ShouldContain("pyresolve upgrade pydantic --target 2.0");
        (await PageAsync(person, "tier=tier1")).ShouldContain("Take a filter away");
    }

    [Theory, OnBothEngines]
    public async Task An_event_is_shown_with_the_receipt_of_its_reservation(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        await account.ReportAsync();
        await account.ReserveAsync();
        var reservation = (await account.ReserveAsync(quantity: 2)).Id();
        var committed = await account.CommitAsync(reservation, new { metadata = new { target = "2.0", rate = 1.50m } });
        var id = committed["usage_event_id"].GetGuid();

        var page = (await person.GetAsync($"/app/usage/events/{id}")).Text;

        page.ShouldContain("Granted: 1 used &#x2B; 1 held &#x2B; 2 asked for is within the 5 of the free plan.");
        page.ShouldContain("<dt>Used before</dt><dd>1</dd>");
        page.ShouldContain("<dt>Held before</dt><dd>1</dd>");
        page.ShouldContain("<dt>Limit</dt><dd>5 a month</dd>");
        page.ShouldContain("<dt>State</dt><dd>committed</dd>");
        page.ShouldContain($"<code>{reservation}</code>");
        page.ShouldContain("&quot;rate&quot;: 1.50");
        page.ShouldContain("<bdi>Default</bdi>");
    }

    [Theory, OnBothEngines]
    public async Task An_event_without_a_reservation_says_so_and_another_account_does_not_see_it(StorageEngine engine)
    {
        var (account, person) = await SignedInAsync(engine);
        var (_, stranger) = await SignedInAsync(engine);
        var id = await account.ReportAsync();

        (await person.GetAsync($"/app/usage/events/{id}")).Text.ShouldContain("It names no reservation");
        var refused = await stranger.GetAsync($"/app/usage/events/{id}");
        (refused.Status, refused.ContentType).ShouldBe((404, "text/html"));
        PageTable.Rows(await PageAsync(stranger, "")).ShouldBeEmpty();
        (await person.GetAsync($"/app/usage/events/{account.UserId}")).Status.ShouldBe(404);
    }

    [Theory, OnBothEngines]
    public async Task Hostile_texts_are_encoded_wherever_they_are_shown(StorageEngine engine)
    {
        const string Markup = "\"'><script>alert(1)</script>&\u202E";
        var (account, person) = await SignedInAsync(engine);
        var reservation = await account.Key.PostAsync("/quota/reservations", new { tier = "tier1", library = Markup, machine = Markup });
        var id = (await account.CommitAsync(
            reservation.Id(), new { metadata = new Dictionary<string, string> { [Markup] = Markup } }))["usage_event_id"].GetGuid();
        var query = $"library={Uri.EscapeDataString(Markup)}";
        string[] paths =
        [
            "/app", "/app/usage?by=library", "/app/usage/events", $"/app/usage/events?{query}", $"/app/usage/events/{id}",
            $"/app/usage/events?type={Uri.EscapeDataString(Markup)}", $"/app/usage/events?tier={Uri.EscapeDataString(Markup)}",
            $"/app/usage/events?key={Uri.EscapeDataString(Markup)}", $"/app/usage/events?from={Uri.EscapeDataString(Markup)}",
        ];

        foreach (var path in paths)
        {
            var page = (await person.GetAsync(path)).Text;
            page.ShouldContain("script", customMessage: path);
            page.ShouldNotContain("<script>", customMessage: path);
            page.ShouldNotContain("\"'>", customMessage: path);
        }

        PageTable.Rows(await PageAsync(person, query)).Count.ShouldBe(1);
    }

    private async Task<(TestAccount Account, Person Person)> SignedInAsync(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        return (account, await Person.SignedInAsync(await servers.OnAsync(engine), account));
    }

    private static async Task<string> PageAsync(Person person, string query)
    {
        var page = await person.GetAsync($"/app/usage/events?{query}");
        page.Status.ShouldBe(200, page.Text);
        return page.Text;
    }

    private static async Task ReportAsync(TestAccount account, int count)
    {
        var events = Enumerable.Repeat(new { event_type = "migration", library = "pydantic" }, count);
        (await account.Key.PostAsync("/usage/batch", new { events }))["recorded"].GetInt32().ShouldBe(count);
    }

    private static string? NextOf(string page) => Next().Match(page) is { Success: true } match
        ? match.Groups["query"].Value.Replace("&amp;", "&", StringComparison.Ordinal)
        : null;

    [GeneratedRegex("href=\"[^\"?]+[?](?<query>[^\"]*cursor=[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Next();
}
