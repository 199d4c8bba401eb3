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
    public async Task A_key_whose_hash_SQL_replaces_is_refused_within_a_second(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        (await account.Key.GetAsync("/me")).Status.ShouldBe(200);

        await own.Store.ExecuteSqlAsync("update api_keys set key_hash = 'unreadable'");

        (await DigestsAsync(own)).ShouldBe(0);
        await Eventually.IsTrueAsync(
            async () => (await account.Key.GetAsync("/me")).Status == 401, cancellationToken: TestContext.Current.CancellationToken);
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
    public async Task Concurrent_first_uses_all_succeed(StorageEngine engine)
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
    public async Task A_hash_that_is_malformed_or_too_expensive_is_refused_immediately(string hash)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync($"update api_keys set key_digest = null, key_hash = '{hash}'");

        (await account.Key.GetAsync("/me")).ShouldBeProblem(401, "unauthenticated");
    }

    /// <summary>The function as Supabase projects have it, and their <c>auth.uid()</c>.</summary>
    [Fact]
    public async Task A_key_from_create_api_key_is_accepted_and_upgraded()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync(AuthUid);
        await own.Store.ExecuteSqlAsync(CreateApiKey);

        var key = (string)(await own.Store.ReadSqlAsync(
            $"set request.jwt.claim.sub = '{account.UserId}'; select api_key from public.create_api_key('By hand')"))!;

        key.ShouldMatch("^pyr_live_[0-9a-f]{48}$");
        (await DigestsAsync(own)).ShouldBe(0);
        var me = await own.Server.WithKey(key).GetAsync("/me");
        me["user_id"].GetGuid().ShouldBe(account.UserId);
        (await DigestsAsync(own)).ShouldBe(1);
        (await own.Server.WithKey(key).PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(200);
        var listed = (await account.Session.GetAsync("/auth/api-keys"))["data"].EnumerateArray().Single(
            item => item.GetProperty("name").GetString() == "By hand");
        listed.GetProperty("prefix").GetString().ShouldBe(key[..20]);
    }

    private const string AuthUid = """
        create extension if not exists "pgcrypto";
        create schema auth;
        create function auth.uid() returns uuid language sql stable as
        $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
        """;

    private const string CreateApiKey = """
        -- Generate a new API key for a user
        CREATE OR REPLACE FUNCTION public.create_api_key(p_name TEXT DEFAULT 'Default')
        RETURNS TABLE (api_key TEXT, key_prefix TEXT) AS $$
        DECLARE
            v_user_id UUID;
            v_key TEXT;
            v_prefix TEXT;
            v_hash TEXT;
        BEGIN
            -- Get current user from Supabase auth
            v_user_id := auth.uid();
            IF v_user_id IS NULL THEN
                RAISE EXCEPTION 'Not authenticated';
            END IF;

            -- Generate random key: pyr_live_<32 chars>
            v_key := 'pyr_live_' || encode(gen_random_bytes(24), 'hex');
            v_prefix := substring(v_key, 1, 20);
            v_hash := crypt(v_key, gen_salt('bf'));

            INSERT INTO public.api_keys (user_id, key_hash, key_prefix, name)
            VALUES (v_user_id, v_hash, v_prefix, p_name);

            RETURN QUERY SELECT v_key AS api_key, v_prefix AS key_prefix;
        END;
        $$ LANGUAGE plpgsql SECURITY DEFINER;
        """;

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
                values ('{Guid.CreateVersion7(own.Clock.GetUtcNow())}', '{account.UserId}', '{KeyHash.Create(key)}',
                        substr('{key}', 1, 20), 'By hand', 0)
                """);
        }

        return key;
    }

    private static Task<long> DigestsAsync(OwnServer own) =>
        own.Store.ReadNumberAsync("select count(*) from api_keys where name = 'By hand' and key_digest is not null");
}
