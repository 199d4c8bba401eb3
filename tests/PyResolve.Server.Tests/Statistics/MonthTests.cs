using System.Text.Json;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Statistics;

/// <summary><c>GET /usage</c> and <c>GET /usage/history</c>.</summary>
public sealed class MonthTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task A_month_has_totals_by_day_library_and_tier(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.ReportAsync("pydantic", "tier1", tokens: 10, files: 3, occurredAt: "2026-11-02T23:59:59Z");
        await account.ReportAsync("django", "tier2", tokens: 20, files: 4, occurredAt: "2026-11-01T00:00:00Z");
        await account.ReportAsync("pydantic", "tier3", tokens: 30, occurredAt: "2026-11-02T00:00:00Z");
        await account.ReportAsync(occurredAt: "2026-11-02T12:00:00Z");
        await account.ReportAsync("flask", tokens: 40, files: 5, occurredAt: "2026-11-04T12:00:00Z", type: "llm_call");

        var keyId = await account.KeyIdAsync();
        (await account.Key.GetAsync("/usage?month=2026-11")).ShouldBeJson(200, $$"""
            {"month":"2026-11","migrations":4,"tier1_migrations":1,"llm_migrations":2,"total_tokens":100,"total_files_changed":12,
             "by_day":[{"date":"2026-11-01","migrations":1,"tokens":20},{"date":"2026-11-02","migrations":3,"tokens":40},
                       {"date":"2026-11-04","migrations":0,"tokens":40}],
             "by_library":[{"library":"pydantic","migrations":2},{"library":null,"migrations":1},{"library":"django","migrations":1}],
             "quota":{"plan":"free","migrations_used":4,"migrations_limit":5,"migrations_remaining":1,"llm_allowed":false,"can_migrate":true,
                      "migrations_held":0,"month":"2026-11","resets_at":"2026-12-01T00:00:00Z"},
             "by_key":[{"key_id":"{{keyId}}","prefix":"{{account.ApiKey[..20]}}","name":"Default","migrations":4}]}
            """);
    }

    [Theory, OnEveryEngine]
    public async Task The_default_month_is_this_one_and_the_quota_is_always_current(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.ReportAsync(occurredAt: "2026-10-31T23:59:59Z");
        await account.ReportAsync();

        var thisMonth = await account.Key.GetAsync("/usage");
        var lastMonth = await account.Session.GetAsync("/usage?month=2026-10");

        (thisMonth["month"].GetString(), thisMonth["migrations"].GetInt64()).ShouldBe(("2026-11", 1));
        (lastMonth["month"].GetString(), lastMonth["migrations"].GetInt64()).ShouldBe(("2026-10", 1));
        JsonElement.DeepEquals(lastMonth["quota"], thisMonth["quota"]).ShouldBeTrue();
        (await account.Key.GetAsync("/usage?month=")).Text.ShouldBe(thisMonth.Text);
    }

    [Theory, OnEveryEngine]
    public async Task A_month_without_usage_has_zeros(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.ReportAsync("pydantic");

        foreach (var month in (string[])["2026-10", "2027-01", "1999-12", "0001-01", "9999-12"])
        {
            var answer = await account.Key.GetAsync($"/usage?month={month}");
            answer.Status.ShouldBe(200);
            (answer["month"].GetString(), answer["migrations"].GetInt64(), answer["total_tokens"].GetInt64()).ShouldBe((month, 0, 0));
            (answer["by_day"].GetArrayLength(), answer["by_library"].GetArrayLength()).ShouldBe((0, 0));
        }
    }

    [Theory, OnEveryEngine]
    public async Task A_reservation_counts_in_its_month_on_the_day_on_which_it_was_used(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt: "2026-10-31T23:59:00Z");
        var account = await own.SignUpAsync();
        var reservation = await account.ReserveAsync(quantity: 2);
        own.Clock.Advance(TimeSpan.FromMinutes(2));
        await account.CommitAsync(reservation.Id());

        var october = await account.Key.GetAsync("/usage?month=2026-10");

        october["migrations"].GetInt64().ShouldBe(2);
        october["by_day"].EnumerateArray().Single().GetProperty("date").GetString().ShouldBe("2026-11-01");
        (await account.Key.GetAsync("/usage?month=2026-11"))["migrations"].GetInt64().ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task Beyond_a_hundred_libraries_the_rest_is_one_entry_and_migrations_without_a_library_are_not_in_it(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        // Of 103 libraries, number 1 has the most migrations; 99 to 102 have one each, and so does one whose name is "other".
        var rows = Enumerable.Range(1, 102).Select(
            number => $"('{account.UserId}', '2026-11', 'lib{number:000}', {Math.Max(1, 100 - number)})");
        await own.Store.ExecuteSqlAsync(
            $"insert into usage_libraries (user_id, month, library, migrations) values {string.Join(',', rows)}, ('{account.UserId}', "
            + $"'2026-11', 'other', 1), ('{account.UserId}', '2026-11', '', 50)");
        await own.Store.ExecuteSqlAsync(
            "insert into usage_monthly (user_id, month, migrations) "
            + "select user_id, month, sum(migrations) from usage_libraries group by 1, 2");

        var libraries = (await account.Key.GetAsync("/usage"))["by_library"].EnumerateArray().ToList();

        libraries.Count.ShouldBe(102);
        libraries.Single(entry => entry.GetProperty("library").ValueKind is JsonValueKind.Null).GetProperty("migrations").GetInt64()
            .ShouldBe(50);
        libraries[..101].Select(entry => entry.GetProperty("library").GetString()).Where(name => name is not null)
            .ShouldBe(Enumerable.Range(1, 100).Select(number => $"lib{number:000}"));
        libraries[0].GetProperty("migrations").GetInt64().ShouldBe(99);
        libraries[..101].ShouldAllBe(entry => entry.EnumerateObject().Count() == 2);
        libraries[101].GetRawText().ShouldBe("""{"library":"other","migrations":3,"libraries":3}""");
    }

    [Theory, OnEveryEngine]
    public async Task A_hundred_libraries_are_all_named(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var rows = Enumerable.Range(1, 100).Select(number => $"('{account.UserId}', '2026-11', 'lib{number:000}', 1)");
        await own.Store.ExecuteSqlAsync(
            $"insert into usage_libraries (user_id, month, library, migrations) values {string.Join(',', rows)}");

        var libraries = (await account.Key.GetAsync("/usage"))["by_library"].EnumerateArray().Select(
            entry => entry.GetProperty("library").GetString());

        libraries.ShouldBe(Enumerable.Range(1, 100).Select(number => $"lib{number:000}"));
    }

    [Theory, OnEveryEngine]
    public async Task Days_and_libraries_add_up_to_the_total_while_others_write(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var writing = Task.WhenAll(Enumerable.Range(0, 4).Select(async writer =>
        {
            for (var i = 0; i < 25; i++)
                await account.ReportAsync($"lib{writer}", tokens: 1);
        }));

        Answer month;
        do
        {
            month = await account.Key.GetAsync("/usage");
            var total = month["migrations"].GetInt64();
            month["by_day"].EnumerateArray().Sum(day => day.GetProperty("migrations").GetInt64()).ShouldBe(total);
            month["by_library"].EnumerateArray().Sum(library => library.GetProperty("migrations").GetInt64()).ShouldBe(total);
            month["total_tokens"].GetInt64().ShouldBe(total);
        }
        while (!writing.IsCompleted);

        await writing;
        (await account.Key.GetAsync("/usage"))["migrations"].GetInt64().ShouldBe(100);
    }

    [Theory, OnEveryEngine]
    public async Task History_begins_with_this_month_and_has_every_month(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt: "2027-01-31T12:00:00Z");
        var account = await own.SignUpAsync();
        await account.ReportAsync(tier: "tier1", tokens: 5, files: 2);
        await account.ReportAsync(tier: "tier2", tokens: 6, occurredAt: "2026-12-31T12:00:00Z");

        (await account.Key.GetAsync("/usage/history?months=3")).ShouldBeJson(200, """
            {"data":[{"month":"2027-01","migrations":1,"tier1_migrations":1,"llm_migrations":0,"total_tokens":5,"total_files_changed":2},
                     {"month":"2026-12","migrations":1,"tier1_migrations":0,"llm_migrations":1,"total_tokens":6,"total_files_changed":0},
                     {"month":"2026-11","migrations":0,"tier1_migrations":0,"llm_migrations":0,"total_tokens":0,"total_files_changed":0}]}
            """);
        (await account.Key.GetAsync("/usage/history"))["data"].GetArrayLength().ShouldBe(12);
        (await account.Key.GetAsync("/usage/history?months=36"))["data"].EnumerateArray().Last().GetProperty("month").GetString()
            .ShouldBe("2024-02");
    }

    [Theory, OnEveryEngine]
    public async Task An_account_sees_its_own_usage_only(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var stranger = await servers.SignUpAsync(engine);
        await account.ReportAsync("pydantic", tokens: 3);

        (await stranger.Key.GetAsync("/usage"))["by_library"].GetArrayLength().ShouldBe(0);
        (await stranger.Key.GetAsync("/usage/history"))["data"].EnumerateArray().Sum(month => month.GetProperty("total_tokens").GetInt64())
            .ShouldBe(0);
        (await stranger.Key.GetAsync("/usage/events"))["data"].GetArrayLength().ShouldBe(0);
        (await stranger.Key.GetAsync("/usage/export.csv")).Text.Split("\r\n").Length.ShouldBe(2);
        (await account.Key.GetAsync("/usage/export.csv")).Text.Split("\r\n").Length.ShouldBe(3);
    }

    [Theory]
    [InlineData("/usage?month=2026-13", "month")]
    [InlineData("/usage?month=2026-00", "month")]
    [InlineData("/usage?month=0000-01", "month")]
    [InlineData("/usage?month=2026-1", "month")]
    [InlineData("/usage?month=2026-11-01", "month")]
    [InlineData("/usage?month=%202026-11", "month")]
    [InlineData("/usage?month=%D9%A2%D9%A0%D9%A2%D9%A6-11", "month")]
    [InlineData("/usage?month=2026-11&month=2026-10", "month")]
    [InlineData("/usage?month=%00", "month")]
    [InlineData("/usage?month=%ff%fe", "month")]
    [InlineData("/usage/export.csv?month=x", "month")]
    [InlineData("/usage/events?month=x", "month")]
    [InlineData("/usage/history?months=0", "months")]
    [InlineData("/usage/history?months=37", "months")]
    [InlineData("/usage/history?months=-1", "months")]
    [InlineData("/usage/history?months=1.0", "months")]
    [InlineData("/usage/history?months=99999999999999999999", "months")]
    [InlineData("/usage/events?limit=0", "limit")]
    [InlineData("/usage/events?limit=1001", "limit")]
    [InlineData("/usage/events?limit=ten", "limit")]
    public async Task A_wrong_parameter_is_named(string path, string parameter)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        (await account.Key.GetAsync(path)).ShouldBlame(parameter);
    }

    [Theory]
    [InlineData("/usage")]
    [InlineData("/usage/history")]
    [InlineData("/usage/events")]
    [InlineData("/usage/export.csv")]
    public async Task Reading_usage_takes_the_scope_usage_read_or_a_session(string path)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var writer = await account.Session.PostAsync("/auth/api-keys", new { scopes = new[] { "usage:write" } });
        var reader = await account.Session.PostAsync("/auth/api-keys", new { scopes = new[] { "usage:read" } });

        (await server.Anonymous.GetAsync(path)).ShouldBeProblem(401, "unauthenticated");
        (await server.WithKey(writer["api_key"].GetString()!).GetAsync(path)).ShouldBeProblem(403, "scope_missing");
        (await server.WithKey(reader["api_key"].GetString()!).GetAsync(path)).Status.ShouldBe(200);
        (await account.Session.GetAsync(path)).Status.ShouldBe(200);
    }
}
