using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>A store with many accounts, one of which has many keys and events. Written by SQL, counted by the server's command.</summary>
internal static class FilledStore
{
    public const int EventsAnAccount = 10;

    private const int AllKeys = 10_000;
    private const int LiveKeys = 1_000;
    private const int DaysOfEvents = 60;

    /// <param name="store">With the schema.</param>
    /// <param name="account">Gets the keys and the events.</param>
    /// <param name="accounts">The others. The account gets ten events for each.</param>
    /// <param name="cancellationToken">Cancels the writing.</param>
    public static async Task FillAsync(TestStore store, Guid account, int accounts, CancellationToken cancellationToken)
    {
        var dialect = Dialect.Of(store);
        string[] statements =
        [
            $"""
            insert into profiles (id, email, email_key, created_at, updated_at)
            select {dialect.NewId}, 'account-' || i || '@example.com', 'account-' || i || '@example.com', {dialect.Ago("i")},
                   {dialect.Ago("i")}
            from {dialect.Series(accounts)}
            """,
            $"""
            insert into api_keys (id, user_id, key_hash, key_prefix, name, created_at, revoked_at)
            select {dialect.NewId}, '{account}', '-', {dialect.KeyPrefix}, 'Key ' || i, {dialect.Ago("i")},
                   case when i > {LiveKeys} then {dialect.Ago("0")} end
            from {dialect.Series(AllKeys)}
            """,
            $"""
            insert into usage_events
                (user_id, id, event_type, library, tier, tokens_used, metadata, month, occurred_at, created_at, key_id)
            select '{account}', {dialect.NewId}, 'migration', 'library-' || (i % 200), 'tier' || (1 + i % 3), i % 1000, '{"{}"}',
                   {dialect.MonthOf(EventAge)}, {dialect.Ago(EventAge)}, {dialect.Ago(EventAge)}, k.id
            from {dialect.Series(accounts * EventsAnAccount)}
            join (select id, row_number() over (order by created_at desc) - 1 as n from api_keys where revoked_at is null) k
              on k.n = i % {LiveKeys}
            """,
            $"update profiles set plan = 'unlimited' where id = '{account}'",
            "analyze",
        ];
        foreach (var statement in statements)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await store.ExecuteSqlAsync(statement);
        }
    }

    /// <summary>Makes the rollups.</summary>
    public static async Task CountAsync(ServerProcess server, CancellationToken cancellationToken)
    {
        // 1: something differed, and was repaired.
        if (await server.RunAsync(["usage", "recompute"], cancellationToken) is { ExitCode: not (0 or 1) } failed)
            failed.OrThrow("usage recompute");
    }

    private static string EventAge => $"i % {DaysOfEvents * 86_400}";
}
