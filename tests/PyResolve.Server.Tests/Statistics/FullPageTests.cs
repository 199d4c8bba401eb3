using System.Text.Json;

namespace PyResolve.Server.Tests.Statistics;

/// <summary>What is read piece by piece is complete also when the last piece is exactly full, by its rows or by its bytes.</summary>
public sealed class FullPageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task An_export_whose_last_page_is_exactly_full_is_complete(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);

        // The first page has 100 rows, later ones up to 2,000.
        foreach (var count in (int[])[1, 9, 10, 11, 99, 100, 101, 200, 1_000, 2_000, 2_099, 2_100, 2_101])
            await ShouldBeWholeAsync(own, count, metadataCharacters: 0);
    }

    [Theory, OnBothEngines]
    public async Task An_export_whose_last_page_is_full_by_its_bytes_is_complete(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);

        // Sixteen or seventeen of these fill a page.
        foreach (var count in (int[])[15, 16, 17, 18, 32, 33, 34, 35, 36, 51, 52])
            await ShouldBeWholeAsync(own, count, metadataCharacters: 16_000);
    }

    [Theory, OnBothEngines]
    public async Task A_list_of_events_whose_last_page_is_exactly_full_ends_there_and_misses_none(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        foreach (var count in (int[])[1, 9, 10, 11, 19, 20, 21, 100, 101])
        {
            var account = await own.SignUpAsync();
            await own.Store.GenerateEventsAsync([account.UserId], count);

            (await account.ReadAllEventsAsync("limit=10")).Distinct().Count().ShouldBe(count);
            (await account.ReadAllEventsAsync("month=2026-11")).Distinct().Count().ShouldBe(count);
            var page = await account.Key.GetAsync($"/usage/events?limit={count}");
            (page["data"].GetArrayLength(), page["next_cursor"].ValueKind).ShouldBe((count, JsonValueKind.Null));
        }
    }

    [Theory, OnBothEngines]
    public async Task A_list_of_events_whose_last_page_is_full_by_its_bytes_misses_none(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        // 66 of these are the first to exceed a MiB.
        foreach (var count in (int[])[64, 65, 66, 67, 131, 132, 133])
        {
            var account = await own.SignUpAsync();
            await own.Store.GenerateEventsAsync([account.UserId], count, metadataCharacters: 16_000);

            (await account.ReadAllEventsAsync("limit=1000")).Distinct().Count().ShouldBe(count);
        }
    }

    [Theory, OnBothEngines]
    public async Task A_month_with_as_many_libraries_as_are_listed_names_them_all(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        foreach (var (count, entries) in ((int, int)[])[(99, 99), (100, 100), (101, 101), (102, 101)])
        {
            var account = await own.SignUpAsync();
            var batch = Enumerable.Range(0, count).Select(number => new { event_type = "migration", library = $"lib{number}" });
            (await account.Key.PostAsync("/usage/batch", new { events = batch }))["recorded"].GetInt32().ShouldBe(count);

            var libraries = (await account.Key.GetAsync("/usage"))["by_library"].EnumerateArray().ToList();

            libraries.Count.ShouldBe(entries);
            libraries.Sum(library => library.GetProperty("migrations").GetInt64()).ShouldBe(count);
            libraries.Count(library => library.TryGetProperty("libraries", out _)).ShouldBe(count > 100 ? 1 : 0);
        }
    }

    [Theory, OnBothEngines]
    public async Task An_audit_log_whose_last_page_is_exactly_full_ends_there(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        // The first entry is the sign-up.
        for (var count = 1; count <= 101; count++)
        {
            if (count is 49 or 50 or 51 or 99 or 100 or 101)
                (await ReadAuditAsync(account)).ShouldBe((count, (count + 49) / 50), $"{count} entries");
            (await account.Session.SendAsync(HttpMethod.Patch, "/me", new { name = $"Ada {count}" })).Status.ShouldBe(200);
        }
    }

    private static async Task<(int Entries, int Pages)> ReadAuditAsync(TestAccount account)
    {
        var (entries, pages) = (0, 0);
        for (string? cursor = ""; cursor is not null; pages++)
        {
            var page = await account.Session.GetAsync($"/audit?cursor={cursor}");
            page.Status.ShouldBe(200);
            entries += page["data"].GetArrayLength();
            cursor = page["next_cursor"].GetString();
        }

        return (entries, pages);
    }

    private static async Task ShouldBeWholeAsync(OwnServer own, int count, int metadataCharacters)
    {
        var account = await own.SignUpAsync();
        await own.Store.GenerateEventsAsync([account.UserId], count, metadataCharacters: metadataCharacters);

        var answer = await account.Key.GetAsync("/usage/export.csv?month=2026-11");

        answer.Status.ShouldBe(200);
        answer.Text.Split("\r\n").Length.ShouldBe(count + 2, $"{count} events");
    }
}
