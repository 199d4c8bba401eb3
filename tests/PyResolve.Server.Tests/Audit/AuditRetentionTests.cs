namespace PyResolve.Server.Tests.Audit;

/// <summary>The operator command <c>audit delete</c>.</summary>
public sealed class AuditRetentionTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Old_months_are_deleted_by_a_command_that_leaves_an_entry_of_its_own(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await InsertAsync(own.Store, account, "2025-12-31T23:59:59Z", count: 1_001);
        await InsertAsync(own.Store, account, "2026-01-01T00:00:00Z", count: 1);

        var result = await RunAsync(own.Store, "--before", "2026-01");

        result.OrThrow("audit delete").Output.Trim().ShouldBe("Deleted 1001 entries from before 2026-01.");
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where action = 'session.opened'")).ShouldBe(1);
        var entry = await own.Store.ReadRowAsync("select actor, target, user_id from audit_log where action = 'audit.deleted'");
        (entry["actor"], entry["target"], entry["user_id"].ToString()).ShouldBe(("operator", "before 2026-01", Guid.Empty.ToString()));
        (await account.Session.GetAsync("/audit"))["data"].GetArrayLength().ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task The_database_goes_on_refusing_to_delete_or_change_later_entries(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await InsertAsync(own.Store, account, "2026-01-01T00:00:00Z", count: 1);
        (await RunAsync(own.Store, "--before", "2026-01", "--json")).OrThrow("audit delete").Output.Trim().ShouldBe("""{"deleted":0}""");

        foreach (var statement in (string[])["delete from audit_log", "update audit_log set actor = 'nobody'"])
        {
            (await Should.ThrowAsync<Exception>(own.Store.ExecuteSqlAsync(statement))).Message.ShouldContain("append-only");
        }

        (await own.Store.ReadNumberAsync("select count(*) from audit_log")).ShouldBe(3);
    }

    [Theory]
    [InlineData("2026-09", "the last 3 months before that of the newest entry that is a day old are kept")]
    [InlineData("2027-01", "the last 3 months before that of the newest entry that is a day old are kept")]
    [InlineData("January", "must be a calendar month, such as 2026-11")]
    public async Task Recent_months_are_kept_whatever_the_clock_says(string month, string message)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await own.SignUpAsync();
        await InsertAsync(own.Store, account, "2026-08-01T00:00:00Z", count: 1);

        var result = await RunAsync(own.Store, "--before", month);

        (result.ExitCode, result.Output).ShouldBe((2, ""));
        result.Error.ShouldContain(message);
        (await own.Store.ReadNumberAsync("select count(*) from audit_log")).ShouldBe(2);
    }

    private static async Task InsertAsync(TestStore store, TestAccount account, string at, int count)
    {
        var instant = store.Engine is StorageEngine.Postgres ? $"timestamptz '{at}'" : $"unixepoch('{at}') * 1000000";
        for (var i = 0; i < count; i += 500)
        {
            var rows = Enumerable.Range(i, Math.Min(500, count - i)).Select(
                _ => $"('{account.UserId}', '{Guid.CreateVersion7(TimeProvider.System.GetUtcNow())}', {instant}, 'owner', "
                    + "'session.opened')");
            await store.ExecuteSqlAsync($"insert into audit_log (user_id, id, at, actor, action) values {string.Join(',', rows)}");
        }
    }

    private static Task<CommandResult> RunAsync(TestStore store, params string[] options) =>
        ServerProcess.RunAsync(["audit", "delete", .. options], store.Settings, TestContext.Current.CancellationToken);
}
