using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>Many rows in the guide's tables.</summary>
internal static class ManyRows
{
    /// <summary>The secret of the key with this number, from one.</summary>
    public static string KeyOf(int number) => $"pyr_live_{Md5($"key {number}")}{Md5($"more {number}")[..16]}";

    /// <summary>Events go round the accounts, over eight months.</summary>
    public static async Task FillAsync(this TestStore store, int accounts, int keysEach, int events)
    {
        await store.ExecuteSqlAsync(
            $"""
            insert into auth.users (id, email)
            select md5('user ' || i)::uuid, 'user' || i || '@example.com' from generate_series(1, {accounts}) i
            """);
        await store.ExecuteSqlAsync(
            $"""
            insert into public.api_keys (user_id, key_hash, key_prefix, name)
            select md5('user ' || (1 + (k.number - 1) / {keysEach}))::uuid, extensions.crypt(k.secret, extensions.gen_salt('bf')),
                   left(k.secret, 20), 'Key ' || k.number
            from (select i as number, 'pyr_live_' || md5('key ' || i) || left(md5('more ' || i), 16) as secret
                  from generate_series(1, {accounts * keysEach}) i) k
            """);
        await store.ExecuteSqlAsync(
            $"""
            insert into public.usage_events (user_id, event_type, library, tier, files_changed, tokens_used, metadata, created_at)
            select md5('user ' || (1 + i % {accounts}))::uuid, case when i % 5 = 0 then 'scan' else 'migration' end,
                   (array['pydantic', 'fastapi', 'sqlalchemy'])[1 + i % 3], case when i % 5 > 0 then 'tier' || (1 + i % 3) end,
                   i % 40, i % 900, jsonb_build_object('run', i), timestamptz '2026-11-20 00:00Z' - i % 240 * interval '1 day'
            from generate_series(1, {events}) i
            """);
        await store.ExecuteSqlAsync("analyze");
    }

    /// <summary>A killed process's transaction ends a moment later.</summary>
    public static Task WaitUntilAloneAsync(this GuideProject project) => Eventually.HoldsAsync(
        async () => (await project.Store.ReadNumberAsync(
            "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'pyresolve'")).ShouldBe(0),
        TimeSpan.FromMinutes(2),
        TestContext.Current.CancellationToken);

#pragma warning disable CA5351 // What PostgreSQL's md5() computes, for ids and keys of tests.
    private static string Md5(string text) => Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5351
}
