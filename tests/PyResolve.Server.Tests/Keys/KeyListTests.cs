using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Keys;

/// <summary>Revoked keys stay in the database: a list of any number of keys is read page by page.</summary>
public sealed class KeyListTests(SharedServers servers)
{
    private const int PageSize = 5;

    [Theory]
    [InlineData(StorageEngine.Sqlite, PageSize - 1)]
    [InlineData(StorageEngine.Sqlite, PageSize)]
    [InlineData(StorageEngine.Sqlite, PageSize + 1)]
    [InlineData(StorageEngine.Sqlite, 2 * PageSize)]
    [InlineData(StorageEngine.Postgres, PageSize - 1)]
    [InlineData(StorageEngine.Postgres, PageSize)]
    [InlineData(StorageEngine.Postgres, PageSize + 1)]
    [InlineData(StorageEngine.Postgres, 2 * PageSize)]
    public async Task Pages_of_keys_have_neither_gaps_nor_repeats_nor_an_empty_end(StorageEngine engine, int count)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        // All at one instant: the order is then that of their ids.
        for (var i = 1; i < count; i++)
            (await account.Session.PostAsync("/auth/api-keys", new { name = $"key {i}" })).Status.ShouldBe(201);

        var pages = new List<Answer>();
        for (string? cursor = null; pages.Count == 0 || cursor is not null; cursor = pages[^1]["next_cursor"].GetString())
            pages.Add(await account.Session.GetAsync($"/auth/api-keys?limit={PageSize}{(cursor is null ? "" : $"&cursor={cursor}")}"));

        pages.Count.ShouldBe((count + PageSize - 1) / PageSize);
        var listed = pages.SelectMany(page => Ids(page)).ToList();
        listed.Count.ShouldBe(count);
        listed.Distinct().Count().ShouldBe(count);
        listed.ShouldBe(Ids(await account.Session.GetAsync("/auth/api-keys")));
    }

    [Theory, OnBothEngines]
    public async Task Keys_that_were_revoked_long_ago_are_listed_only_when_asked_for(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var old = await account.Session.PostAsync("/auth/api-keys", new { name = "old" });
        await account.Session.DeleteAsync($"/auth/api-keys/{old.Id()}");
        var expired = await account.Session.PostAsync(
            "/auth/api-keys", new { name = "expired", expires_at = own.Clock.GetUtcNow().AddDays(1) });
        await using var later = await TestServer.StartAsync(own.Store, clock: new TestClock(own.Clock.GetUtcNow().AddDays(90)));
        var session = new Caller(later.Http, "Authorization", $"Bearer {await LogInAsync(later, account)}");
        var recent = await session.PostAsync("/auth/api-keys", new { name = "recent" });
        await session.DeleteAsync($"/auth/api-keys/{recent.Id()}");

        (await NamesAsync("")).ShouldBe(["recent", "expired", "Default"], ignoreOrder: true);
        (await NamesAsync("?state=active")).ShouldBe(["Default"]);
        (await NamesAsync("?state=all")).ShouldBe(["recent", "expired", "old", "Default"], ignoreOrder: true);
        expired.Status.ShouldBe(201);

        async Task<List<string?>> NamesAsync(string query) =>
        [
            .. (await session.GetAsync($"/auth/api-keys{query}"))["data"].EnumerateArray()
                .Select(key => key.GetProperty("name").GetString()),
        ];
    }

    [Theory, OnBothEngines, Trait("Category", "Proof")]
    public async Task An_account_with_very_many_revoked_keys_gets_a_bounded_answer(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var count = Scale.Pick(30_000, 300_000);
        await LayRevokedKeysAsync(own, account, count);
        var startedAt = TimeProvider.System.GetTimestamp();

        foreach (var query in new[] { "", "?state=active", "?state=all" })
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => account.Session.GetAsync($"/auth/api-keys{query}")));
            foreach (var answer in answers)
            {
                answer["data"].GetArrayLength().ShouldBe(query is "?state=active" ? 1 : 1_000);
                (answer["next_cursor"].GetString() is null).ShouldBe(query is "?state=active");
                answer.Text.Length.ShouldBeLessThan(1_000_000);
            }
        }

        (await account.Session.PostAsync("/auth/api-keys")).Status.ShouldBe(201);
        var took = TimeProvider.System.GetElapsedTime(startedAt);
        Proofs.Report(
            "Lists of keys", $"{engine}, {count} revoked keys: 24 lists, 8 at a time, and a new key took {took.TotalMilliseconds:0} ms");
    }

    [Theory, OnBothEngines]
    public async Task Parameters_that_are_wrong_are_named(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        foreach (var limit in new[] { "0", "1001", "-1", "ten", "1.0" })
            (await account.Session.GetAsync($"/auth/api-keys?limit={limit}")).ShouldBlame("limit");
        foreach (var state in new[] { "revoked", "Active", "all,active" })
            (await account.Session.GetAsync($"/auth/api-keys?state={state}")).ShouldBlame("state");
        var id = $"{Guid.Empty:N}";
        foreach (var cursor in new[] { "x", "1", "1.", $".{id}", $"99999999999999999999.{id}", $"-1.{id}", $"1.{id}.1" })
            (await account.Session.GetAsync($"/auth/api-keys?cursor={cursor}")).ShouldBlame("cursor");
        (await account.Session.GetAsync("/auth/api-keys?limit=&state=&cursor=")).Status.ShouldBe(200);
    }

    private static List<Guid> Ids(Answer page) => [.. page["data"].EnumerateArray().Select(key => key.GetProperty("id").GetGuid())];

    private static async Task<string> LogInAsync(TestServer server, TestAccount account) =>
        (await server.Anonymous.PostAsync("/auth/login", new { email = account.Email, password = TestAccount.Password }))["session_token"]
            .GetString()!;

    /// <summary>In SQL, where a client would need days: revoked yesterday, after the account's own key was made.</summary>
    private static Task<int> LayRevokedKeysAsync(OwnServer own, TestAccount account, int count) => own.Store.ExecuteSqlAsync(
        own.Store.Engine is StorageEngine.Postgres
            ? $"""
              insert into api_keys (user_id, key_hash, key_prefix, name, created_at, revoked_at)
              select '{account.UserId}', '$2a$06$x', 'pyr_live_' || lpad(to_hex(i), 11, '0'), 'Default',
                     timestamptz '{own.Clock.GetUtcNow():O}' - interval '2 days' + i * interval '1 microsecond',
                     timestamptz '{own.Clock.GetUtcNow():O}' - interval '1 day'
              from generate_series(1, {count}) i
              """
            : $"""
              with recursive n (i) as (select 1 union all select i + 1 from n where i < {count})
              insert into api_keys (id, user_id, key_hash, key_prefix, name, created_at, revoked_at)
              select printf('%08x-0000-4000-8000-000000000000', i), '{account.UserId}', '$2a$06$x', printf('pyr_live_%011x', i), 'Default',
                     {Microseconds(own.Clock.GetUtcNow().AddDays(-2))} + i, {Microseconds(own.Clock.GetUtcNow().AddDays(-1))}
              from n
              """);

    private static long Microseconds(DateTimeOffset instant) =>
        (instant - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
