using System.Globalization;
using System.Text;
using PyResolve.Server.Statistics;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Statistics;

/// <summary><c>GET /usage/events</c>.</summary>
public sealed class EventListTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task An_event_is_listed_with_all_its_members(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var reservation = (await account.ReserveAsync(quantity: 3)).Id();
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        await account.CommitAsync(
            reservation,
            new { quantity = 2, files_changed = 7, tokens_used = 1200, metadata = new { target = "2.0", n = new[] { 1, 2 } }, id });

        (await account.Key.GetAsync("/usage/events")).ShouldBeJson(200, $$"""
            {"data":[{"id":"{{id}}","event_type":"migration","library":"pydantic","tier":"tier1","quantity":2,"files_changed":7,"tokens_used":1200,
                      "metadata":{"target":"2.0","n":[1,2]},"month":"2026-11","occurred_at":"2026-11-15T12:00:00Z",
                      "recorded_at":"2026-11-15T12:00:00Z","reservation_id":"{{reservation}}","late":false,
                      "key_id":"{{await account.KeyIdAsync()}}"}],"next_cursor":null}
            """);
    }

    [Theory, OnEveryEngine]
    public async Task A_late_event_says_so_and_what_is_absent_is_null(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync(type: "scan", occurredAt: "2026-11-14T23:30:00.123456Z");
        var reservation = (await account.ReserveAsync(ttlSeconds: 60)).Id();
        own.Clock.Advance(TimeSpan.FromMinutes(2));
        await account.CommitAsync(reservation);

        var events = (await account.Key.GetAsync("/usage/events"))["data"].EnumerateArray().ToList();

        events.Select(usage => usage.GetProperty("late").GetBoolean()).ShouldBe([true, false]);
        events[1].GetProperty("occurred_at").GetString().ShouldBe("2026-11-14T23:30:00.123456Z");
        foreach (var member in (string[])["library", "tier", "reservation_id"])
            events[1].GetProperty(member).GetString().ShouldBeNull();
        events[1].GetProperty("metadata").GetRawText().ShouldBe("{}");
    }

    [Theory, OnEveryEngine]
    public async Task The_newest_month_comes_first_and_in_it_the_latest_recorded(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var expected = new List<Guid>();
        foreach (var occurredAt in (string?[])["2026-10-20T00:00:00Z", null, "2026-10-30T00:00:00Z", "2026-11-01T00:00:00Z"])
        {
            own.Clock.Advance(TimeSpan.FromSeconds(1));
            expected.Add(await account.ReportAsync(occurredAt: occurredAt));
        }

        (await account.ReadAllEventsAsync("limit=1")).ShouldBe([expected[3], expected[1], expected[2], expected[0]]);
        (await account.ReadAllEventsAsync("limit=1&month=2026-10")).ShouldBe([expected[2], expected[0]]);
        (await account.ReadAllEventsAsync("limit=1&month=2026-09")).ShouldBeEmpty();
    }

    [Theory, OnEveryEngine]
    public async Task Pages_are_complete_and_without_repeats_among_events_of_one_instant(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var reported = await Task.WhenAll(Enumerable.Range(0, 23).Select(_ => account.ReportAsync()));

        foreach (var query in (string[])["limit=5", "limit=23", "limit=22", "limit=5&month=2026-11"])
            (await account.ReadAllEventsAsync(query))
                .ShouldBe([.. reported.OrderByDescending(id => id.ToString(), StringComparer.Ordinal)], customMessage: query);
    }

    [Theory, OnEveryEngine]
    public async Task Events_recorded_between_two_pages_do_not_move_the_others(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var reported = new List<Guid>();
        for (var i = 0; i < 10; i++)
        {
            own.Clock.Advance(TimeSpan.FromSeconds(1));
            reported.Add(await account.ReportAsync());
        }

        var read = await account.ReadAllEventsAsync("limit=3", betweenPages: async () =>
        {
            own.Clock.Advance(TimeSpan.FromSeconds(1));
            await account.ReportAsync();
        });

        read.ShouldBe(Enumerable.Reverse(reported));
    }

    [Theory, OnEveryEngine]
    public async Task A_page_of_large_events_ends_early_and_the_next_one_continues(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.GenerateEventsAsync([account.UserId], count: 200, metadataCharacters: 16_000);

        var page = await account.Key.GetAsync("/usage/events?limit=1000");

        page["data"].GetArrayLength().ShouldBe(66);
        page["next_cursor"].GetString().ShouldNotBeNull();
        (await account.ReadAllEventsAsync("limit=1000")).Distinct().Count().ShouldBe(200);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("%00")]
    [InlineData("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("a&cursor=b")]
    public async Task An_unknown_cursor_is_named(string cursor)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        (await account.Key.GetAsync($"/usage/events?cursor={cursor}")).ShouldBlame("cursor");
    }

    [Fact]
    public async Task A_cursor_of_one_month_does_not_fit_another()
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        await account.ReportAsync();
        await account.ReportAsync();
        var cursor = (await account.Key.GetAsync("/usage/events?limit=1"))["next_cursor"].GetString();

        (await account.Key.GetAsync($"/usage/events?cursor={cursor}&month=2026-10")).ShouldBlame("cursor");
        (await account.Key.GetAsync($"/usage/events?cursor={cursor}&month=2026-11"))["data"].GetArrayLength().ShouldBe(1);
    }

    [Fact]
    public void A_cursor_round_trips_its_position()
    {
        var position = new EventPosition(
            "2026-11",
            DateTimeOffset.Parse("2026-11-15T12:00:00.123456Z", CultureInfo.InvariantCulture),
            Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90"));

        EventPosition.TryParse(position.ToCursor(), out var read).ShouldBeTrue();
        EventPosition.TryParse(EventPosition.Newest.ToCursor(), out var newest).ShouldBeTrue();

        read.ShouldBe(position);
        newest.ShouldBe(EventPosition.Newest);
    }

    [Fact]
    public void Damaged_cursors_are_refused_or_valid()
    {
        var random = new Random(11);
        var cursor = EventPosition.OldestOf("2026-11").ToCursor();
        var refused = 0;
        for (var i = 0; i < 10_000; i++)
        {
            var damaged = new StringBuilder(cursor);
            for (var j = 0; j <= random.Next(3); j++)
                damaged[random.Next(damaged.Length)] = (char)random.Next(' ', '~');
            if (!EventPosition.TryParse(damaged.ToString(), out var position))
                refused++;
            else
                position.RecordedAt.ShouldBeGreaterThanOrEqualTo(DateTimeOffset.UnixEpoch);
        }

        refused.ShouldBeGreaterThan(1_000);
    }
}
