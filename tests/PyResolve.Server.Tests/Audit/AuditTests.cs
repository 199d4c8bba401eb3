namespace PyResolve.Server.Tests.Audit;

public sealed class AuditTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task The_log_shows_who_did_what_to_which_key_from_which_address(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var created = await account.Session.PostAsync("/auth/api-keys", new { name = "CI" });
        await account.Session.DeleteAsync($"/auth/api-keys/{created.Id()}");

        var entries = (await account.Session.GetAsync("/audit"))["data"].EnumerateArray().ToList();

        entries.Select(entry => entry.GetProperty("action").GetString()).ShouldBe(["key.revoked", "key.created", "account.created"]);
        entries[0].GetProperty("actor").GetString().ShouldBe("session");
        entries[0].GetProperty("target").GetString().ShouldBe(created["prefix"].GetString());
        entries[0].GetProperty("address").GetString().ShouldBe("127.0.0.1");
    }

    [Theory, OnBothEngines]
    public async Task The_database_itself_refuses_to_change_or_delete_an_entry(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync();

        (await Should.ThrowAsync<Exception>(own.Store.ExecuteSqlAsync("update audit_log set actor = 'nobody'"))).Message
            .ShouldContain("append-only");
        (await Should.ThrowAsync<Exception>(own.Store.ExecuteSqlAsync("delete from audit_log"))).Message.ShouldContain("append-only");
        var otherwise = engine is StorageEngine.Sqlite ? "replace into audit_log select * from audit_log" : "truncate audit_log";
        (await Should.ThrowAsync<Exception>(own.Store.ExecuteSqlAsync(otherwise))).Message.ShouldContain("append-only");
        (await own.Store.ReadNumberAsync("select count(*) from audit_log")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Only_the_own_entries_are_shown_page_by_page(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var stranger = await servers.SignUpAsync(engine);
        for (var i = 0; i < 60; i++)
            (await account.Session.PostAsync("/auth/api-keys", new { name = $"key {i}" })).Status.ShouldBe(201);

        var first = await account.Session.GetAsync("/audit");
        var second = await account.Session.GetAsync($"/audit?cursor={first["next_cursor"].GetString()}");

        (first["data"].GetArrayLength(), second["data"].GetArrayLength()).ShouldBe((50, 11));
        second["next_cursor"].GetString().ShouldBeNull();
        (await stranger.Session.GetAsync("/audit"))["data"].GetArrayLength().ShouldBe(1);
        (await account.Session.GetAsync("/audit?cursor=nonsense")).Status.ShouldBe(400);
    }
}
