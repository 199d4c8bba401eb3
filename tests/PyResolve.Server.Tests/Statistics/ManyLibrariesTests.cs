using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Statistics;

namespace PyResolve.Server.Tests.Statistics;

/// <summary>Clients name libraries, and can name any number: statistics must not cost more for it.</summary>
public sealed class ManyLibrariesTests(SharedServers servers)
{
    private const string Month = "2026-11";

    [Theory, OnBothEngines, Trait("Category", "Proof")]
    public async Task A_month_of_a_hundred_thousand_libraries_is_read_about_as_fast_as_a_small_one(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (small, large) = (await own.SignUpAsync(), await own.SignUpAsync());
        await NameLibrariesAsync(own, small, 10);
        await NameLibrariesAsync(own, large, 100_000);

        var first = await TimeAsync(large);
        var (ofSmall, ofLarge) = (await MedianAsync(small), await MedianAsync(large));

        Proofs.Report("Usage statistics", $"{engine}: `GET /usage` of a month with 100,000 libraries took {first.TotalMilliseconds:N0} ms once, "
            + $"then {ofLarge.TotalMilliseconds:N1} ms; one with 10 libraries {ofSmall.TotalMilliseconds:N1} ms (medians of 15).");
        ofLarge.ShouldBeLessThan(ofSmall * 10);
    }

    [Theory, OnBothEngines]
    public async Task Many_requests_at_once_look_for_the_largest_libraries_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await NameLibrariesAsync(own, account, 5_000);
        var largest = own.Server.Services.GetRequiredService<LargestLibraries>();

        var rankings = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ =>
            largest.FindAsync(account.UserId, Month, TestContext.Current.CancellationToken)));

        rankings.Distinct(ReferenceEqualityComparer.Instance).Count().ShouldBe(1);
        (rankings[0].Names.Count, rankings[0].Others).ShouldBe((100, 4_900));
    }

    [Theory, OnBothEngines]
    public async Task Of_many_libraries_which_are_the_largest_may_be_a_second_old_but_their_numbers_are_current(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await NameLibrariesAsync(own, account, 1_500);
        (await ReadAsync(account))[0].ShouldBe(("lib1500", 1_500));

        await account.ReportAsync("lib1500");
        await own.Store.ExecuteSqlAsync(
            $"""
            insert into usage_libraries values ('{account.UserId}', '{Month}', 'newcomer', 9000);
            update usage_monthly set migrations = migrations + 9000 where user_id = '{account.UserId}';
            """);
        var early = await ReadAsync(account);
        own.Clock.Advance(TimeSpan.FromSeconds(1));
        var late = await ReadAsync(account);

        early[0].ShouldBe(("lib1500", 1_501));
        (late[0], late[1]).ShouldBe((("newcomer", 9_000), ("lib1500", 1_501)));
        (early[^1].Library, late[^1].Library).ShouldBe(("other (1400)", "other (1401)"));
        early.Sum(static library => library.Migrations).ShouldBe(late.Sum(static library => library.Migrations));
    }

    [Theory, OnBothEngines]
    public async Task The_hundred_largest_are_listed_on_both_sides_of_the_number_that_is_sorted_at_each_request(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        foreach (var count in (int[])[999, 1_000, 1_001, 1_002])
        {
            var account = await own.SignUpAsync();
            await NameLibrariesAsync(own, account, count);

            var libraries = await ReadAsync(account);

            libraries[..100].ShouldBe(Enumerable.Range(0, 100).Select(place => ($"lib{count - place}", (long)count - place)));
            libraries[100].Library.ShouldBe($"other ({count - 100})");
            libraries.Sum(static library => library.Migrations).ShouldBe((long)count * (count + 1) / 2);
        }
    }

    /// <summary>The library <c>lib7</c> has seven migrations.</summary>
    private static Task<int> NameLibrariesAsync(OwnServer own, TestAccount account, int count) => own.Store.ExecuteSqlAsync(
        $"""
        insert into usage_libraries (user_id, month, library, migrations)
        with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {count})
        select '{account.UserId}', '{Month}', 'lib' || n, n from numbers;
        insert into usage_monthly (user_id, month, migrations) values ('{account.UserId}', '{Month}', {(long)count * (count + 1) / 2});
        """);

    private static async Task<List<(string Library, long Migrations)>> ReadAsync(TestAccount account) =>
    [
        .. (await account.Key.GetAsync("/usage"))["by_library"].EnumerateArray().Select(static entry => (
            entry.TryGetProperty("libraries", out var others) ? $"other ({others})" : entry.GetProperty("library").GetString()!,
            entry.GetProperty("migrations").GetInt64())),
    ];

    private static async Task<TimeSpan> TimeAsync(TestAccount account)
    {
        var start = Stopwatch.GetTimestamp();
        (await account.Key.GetAsync("/usage")).Status.ShouldBe(200);
        return Stopwatch.GetElapsedTime(start);
    }

    private static async Task<TimeSpan> MedianAsync(TestAccount account)
    {
        var times = new List<TimeSpan>();
        for (var i = 0; i < 15; i++)
            times.Add(await TimeAsync(account));
        return times.Order().ElementAt(times.Count / 2);
    }
}
