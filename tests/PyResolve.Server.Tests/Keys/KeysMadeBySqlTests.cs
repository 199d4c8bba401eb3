using PyResolve.Server.Keys;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Keys;

/// <summary>Keys that no server made: what the seed's <c>create_api_key</c> inserts has a bcrypt hash and no digest.</summary>
public sealed class KeysMadeBySqlTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_key_made_by_SQL_is_accepted_and_gets_its_digest_on_first_use(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var key = await InsertAsync(own, account, 'a');
        (await DigestsAsync(own)).ShouldBe(0);

        (await own.Server.WithKey(key).GetAsync("/me"))["user_id"].GetGuid().ShouldBe(account.UserId);

        (await DigestsAsync(own)).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_key_whose_hash_SQL_replaces_is_dead_within_a_second(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        (await account.Key.GetAsync("/me")).Status.ShouldBe(200);

        await own.Store.ExecuteSqlAsync("update api_keys set key_hash = 'unreadable'");

        (await DigestsAsync(own)).ShouldBe(0);
        await Eventually.IsTrueAsync(async () => (await account.Key.GetAsync("/me")).Status == 401, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Theory, OnBothEngines]
    public async Task A_wrong_key_under_its_prefix_is_refused_and_leaves_no_digest(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var key = await InsertAsync(own, account, 'b');

        (await own.Server.WithKey($"{key[..20]}{new string('0', 37)}").GetAsync("/me")).ShouldBeProblem(401, "unauthenticated");

        (await DigestsAsync(own)).ShouldBe(0);
        (await own.Server.WithKey(key).GetAsync("/me")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Many_first_uses_at_once_all_succeed(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var key = await InsertAsync(own, account, 'c');

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => own.Server.WithKey(key).GetAsync("/me")));

        answers.ShouldAllBe(answer => answer.Status == 200);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no hash at all")]
    [InlineData("$2a$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghijklmnop")]
    public async Task A_hash_that_cannot_be_read_or_would_take_for_ever_is_refused_at_once(string hash)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync($"update api_keys set key_digest = null, key_hash = '{hash}'");

        (await account.Key.GetAsync("/me")).ShouldBeProblem(401, "unauthenticated");
    }

    private static async Task<string> InsertAsync(OwnServer own, TestAccount account, char digit)
    {
        var key = $"pyr_live_{new string(digit, 48)}";
        if (own.Store.Engine is StorageEngine.Postgres)
        {
            await own.Store.ExecuteSqlAsync("create extension pgcrypto");
            await own.Store.ExecuteSqlAsync($"""
                insert into api_keys (user_id, key_hash, key_prefix, name)
                values ('{account.UserId}', crypt('{key}', gen_salt('bf')), substring('{key}', 1, 20), 'By hand')
                """);
        }
        else
        {
            await own.Store.ExecuteSqlAsync($"""
                insert into api_keys (id, user_id, key_hash, key_prefix, name, created_at)
                values ('{Guid.CreateVersion7(own.Clock.GetUtcNow())}', '{account.UserId}', '{BCrypt.HashPassword(key)}', substr('{key}', 1, 20), 'By hand', 0)
                """);
        }

        return key;
    }

    private static Task<long> DigestsAsync(OwnServer own) =>
        own.Store.ReadNumberAsync("select count(*) from api_keys where name = 'By hand' and key_digest is not null");
}
