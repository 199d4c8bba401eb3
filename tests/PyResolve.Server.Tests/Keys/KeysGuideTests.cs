using PyResolve.Server.Keys;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Keys;

/// <summary>The statements of docs/keys.md, word by word but for the key.</summary>
public sealed class KeysGuideTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_key_that_is_revoked_by_the_documented_statement_is_refused(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        (await account.Key.GetAsync("/me")).Status.ShouldBe(200);

        var statement = Guide.Blocks("keys.md", "sql")[engine is StorageEngine.Postgres ? 0 : 1];
        (await own.Store.ExecuteSqlAsync(For(account.ApiKey, statement))).ShouldBe(1);

        await Eventually.IsTrueAsync(
            async () => (await account.Key.GetAsync("/me")).Status == 401, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_key_made_by_SQL_gets_its_digest_by_the_documented_statement()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var (account, key) = (await own.SignUpAsync(), ApiKeyFormat.Create());
        await own.Store.ExecuteSqlAsync(
            $"insert into api_keys (user_id, key_hash, key_prefix) values ('{account.UserId}', '{KeyHash.Create(key)}', '{key[..20]}')");

        (await own.Store.ExecuteSqlAsync(For(key, Guide.Blocks("keys.md", "sql")[2]))).ShouldBe(1);

        (await own.Server.WithKey(key).GetAsync("/me")).Status.ShouldBe(200);
        (await own.Store.ReadNumberAsync(
            $"select count(*) from api_keys where key_digest = sha256('{key}'::bytea) and key_prefix = '{key[..20]}'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_key_made_by_SQL_gets_its_digest_by_the_documented_commands_in_the_embedded_database()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var (account, key) = (await own.SignUpAsync(), ApiKeyFormat.Create());
        await own.Store.ExecuteSqlAsync(
            "insert into api_keys (id, user_id, key_hash, key_prefix, name, created_at) "
            + $"values ('{Guid.CreateVersion7(own.Clock.GetUtcNow())}', '{account.UserId}', '{KeyHash.Create(key)}', '{key[..20]}', 'Default', 0)");
        var commands = For(key, Guide.Block("keys.md", "sh", "sha256sum")).Split('\n');

        var digest = (await RunAsync(commands[0])).Output[..64];
        (await RunAsync(commands[1].Replace("…the 64 hex characters…", digest, StringComparison.Ordinal))).OrThrow("sqlite3");

        (await own.Server.WithKey(key).GetAsync("/me")).Status.ShouldBe(200);
        (await own.Store.ReadNumberAsync($"select count(*) from api_keys where lower(hex(key_digest)) = '{digest}'")).ShouldBe(1);

        Task<CommandResult> RunAsync(string command) => Command.RunAsync(
            "/bin/sh", ["-euc", command], workingDirectory: own.Store.Settings["PYRESOLVE_DATA"],
            cancellationToken: TestContext.Current.CancellationToken);
    }

    private static string For(string key, string statement) => statement
        .Replace("pyr_live_0be37519303", key[..20], StringComparison.Ordinal)
        .Replace("pyr_live_…the whole key…", key, StringComparison.Ordinal);
}
