namespace PyResolve.Server.Tests.Storage;

/// <summary>The commands of docs/hosting.md that back up and restore, word by word, while clients write.</summary>
public sealed class HostingGuideTests(SharedServers servers) : IDisposable
{
    private readonly DirectoryInfo _backup = Directory.CreateTempSubdirectory("pyresolve-backup-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Backup => Path.Combine(_backup.FullName, "new");

    public void Dispose() => _backup.Delete(recursive: true);

    [Fact]
    public async Task A_backup_of_the_embedded_database_ends_while_clients_write_and_its_restore_is_exact_after_a_crash()
    {
        await using var server = await ServerProcess.StartAsync(cancellationToken: Cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        var environment = new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = server.DataFolder, ["BACKUP"] = Backup };
        await RecordAsync(account, TimeSpan.FromSeconds(1));
        // A copy page by page (.backup) begins anew at each commit: only of a large database does it not end.
        (await Command.RunAsync(
            "sqlite3",
            [
                Path.Combine(server.DataFolder, "pyresolve.db"),
                "create table ballast as with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) "
                    + "select randomblob(4000) as b from n",
            ],
            cancellationToken: Cancellation)).OrThrow("sqlite3");

        var (writing, stop) = Write(account);
        await RunAsync("vacuum into", environment).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        await RecordAsync(account, TimeSpan.FromSeconds(1));
        await stop.CancelAsync();
        await writing;
        // A crash leaves the write-ahead log with what came after the backup.
        await server.KillAsync();
        new FileInfo(Path.Combine(server.DataFolder, "pyresolve.db-wal")).Length.ShouldBeGreaterThan(0);
        await RunAsync("pyresolve.db-wal", environment);
        await server.RestartAsync(Cancellation);

        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(Path.Combine(Backup, "pyresolve.db")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await ShouldBeExactAsync(server, account);
        var intact = await Command.RunAsync(
            "sqlite3", [Path.Combine(server.DataFolder, "pyresolve.db"), "pragma integrity_check"], cancellationToken: Cancellation);
        intact.Output.Trim().ShouldBe("ok");
    }

    [Fact]
    public async Task A_backup_of_PostgreSQL_ends_while_clients_write_and_its_restore_is_exact()
    {
        var name = $"guide_{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):n}";
        var address = new Npgsql.NpgsqlConnectionStringBuilder(await servers.Postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using (var admin = TestStore.On(address.ConnectionString))
        {
            // The role and the database of the page.
            var statements = Guide.Block("hosting.md", "sql", "create role")
                .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            foreach (var statement in statements)
                await admin.ExecuteSqlAsync(statement.Replace("pyresolve", name, StringComparison.Ordinal));
        }

        (address.Database, address.Username, address.Password) = (name, name, "secret");
        var environment = new Dictionary<string, string?>
        {
            ["DATABASE_URL"] = PostgresAddress.ToUrl(address.ConnectionString),
            ["BACKUP"] = _backup.FullName,
        };
        await using var server = await ServerProcess.StartAsync(environment, Cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        await RecordAsync(account, TimeSpan.FromSeconds(1));

        var (writing, stop) = Write(account);
        await RunAsync("pg_dump", environment);
        await stop.CancelAsync();
        await writing;
        await server.StopAsync();
        await RunAsync("pg_restore", environment);
        await server.RestartAsync(Cancellation);

        await ShouldBeExactAsync(server, account);
        var id = (await account.Session.GetAsync("/auth/api-keys"))["data"][0].GetProperty("id").GetGuid();
        (await account.Session.DeleteAsync($"/auth/api-keys/{id}")).Status.ShouldBe(204);
        (await account.Key.GetAsync("/me")).Status.ShouldBe(401);
    }

    /// <summary>Serves, and the counts match the events.</summary>
    private static async Task ShouldBeExactAsync(ServerProcess server, TestAccount account)
    {
        (await account.QuotaAsync()).Used.ShouldBeGreaterThan(0);
        var recount = await server.RunAsync(["usage", "recompute", "--dry-run"], Cancellation);
        recount.ExitCode.ShouldBe(0, recount.Output + recount.Error);
        (await account.Key.PostAsync("/usage", new { event_type = "migration" })).Status.ShouldBe(200);
    }

    private static (Task Writing, CancellationTokenSource Stop) Write(TestAccount account)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        return (Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!stop.IsCancellationRequested)
                (await account.Key.PostAsync("/usage", new { event_type = "migration" })).Status.ShouldBe(200);
        })), stop);
    }

    private static async Task RecordAsync(TestAccount account, TimeSpan time)
    {
        var (writing, stop) = Write(account);
        stop.CancelAfter(time);
        await writing;
    }

    private static async Task RunAsync(string text, Dictionary<string, string?> environment)
    {
        var commands = Guide.Block("hosting.md", "sh", text);
        (await Command.RunAsync("/bin/sh", ["-euc", commands], environment, cancellationToken: Cancellation)).OrThrow(commands);
    }
}
