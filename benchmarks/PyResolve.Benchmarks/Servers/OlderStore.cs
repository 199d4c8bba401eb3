using System.Globalization;
using System.Reflection;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>A store as an older server left it: its schema, accounts and events, and their sums. Written by SQL alone.</summary>
internal static class OlderStore
{
    /// <summary>The last one before the table of events is rewritten.</summary>
    public const int Schema = 12;

    private const int EventsAnAccount = 1_000;
    private const int EventsAStatement = 1_000_000;
    private const int DaysOfEvents = 60;

    /// <param name="store">An empty database.</param>
    /// <param name="events">How many, of a thousandth as many accounts.</param>
    /// <param name="cancellationToken">Cancels the writing.</param>
    public static async Task MakeAsync(TestStore store, int events, CancellationToken cancellationToken)
    {
        var dialect = Dialect.Of(store);
        foreach (var (name, script) in Scripts(store.Engine).TakeWhile(static file => VersionOf(file.Name) <= Schema))
        {
            await store.ExecuteSqlAsync(script);
            await store.ExecuteSqlAsync(
                $"""
                insert into schema_versions (version, name, compatible_from, applied_at)
                values ({VersionOf(name)}, '{name}', 1, {dialect.Ago("0")})
                """);
        }

        var accounts = Math.Max(1, events / EventsAnAccount);
        await store.ExecuteSqlAsync(
            $"""
            insert into profiles (id, email, email_key, created_at, updated_at)
            select {dialect.NumberedId("i - 1")}, 'account-' || i || '@example.com', 'account-' || i || '@example.com',
                   {dialect.Ago("i")}, {dialect.Ago("i")}
            from {dialect.Series(accounts)}
            """);
        for (var first = 1; first <= events; first += EventsAStatement)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await AddEventsAsync(store, dialect, first, Math.Min(events, first + EventsAStatement - 1), accounts);
        }

        foreach (var statement in Sums(dialect))
            await store.ExecuteSqlAsync(statement);
    }

    private static Task<int> AddEventsAsync(TestStore store, Dialect dialect, int first, int last, int accounts)
    {
        const string Age = "i % ";
        var age = string.Create(CultureInfo.InvariantCulture, $"{Age}{DaysOfEvents * 86_400}");
        return store.ExecuteSqlAsync(
            $"""
            insert into usage_events (user_id, id, event_type, library, tier, tokens_used, metadata, month, occurred_at, created_at)
            select {dialect.NumberedId($"i % {accounts}")}, {dialect.NewId}, 'migration', 'library-' || (i % 200), 'tier' || (1 + i % 3),
                   i % 1000, '{"{}"}', {dialect.MonthOf(age)}, {dialect.Ago(age)}, {dialect.Ago(age)}
            from {dialect.Range(first, last)}
            """);
    }

    private static IEnumerable<string> Sums(Dialect dialect) =>
    [
        """
        insert into usage_monthly (user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens)
        select user_id, month, count(*), sum(case when tier = 'tier1' then 1 else 0 end),
               sum(case when tier = 'tier1' then 0 else 1 end), sum(tokens_used)
        from usage_events group by user_id, month
        """,
        $"""
        insert into usage_daily (user_id, month, date, migrations, tokens)
        select user_id, month, {dialect.DateOf("occurred_at")}, count(*), sum(tokens_used) from usage_events group by 1, 2, 3
        """,
        """
        insert into usage_libraries (user_id, month, library, migrations)
        select user_id, month, library, count(*) from usage_events group by user_id, month, library
        """,
        "analyze",
    ];

    /// <summary>The schema files of the server, in their order.</summary>
    private static IEnumerable<(string Name, string Script)> Scripts(StorageEngine engine)
    {
        var server = Assembly.LoadFrom(ServerProcess.Assembly);
        var folder = engine is StorageEngine.Postgres ? "schema/postgres/" : "schema/sqlite/";
        foreach (var resource in server.GetManifestResourceNames().OrderBy(static name => name, StringComparer.Ordinal))
        {
            if (!resource.Replace('\\', '/').StartsWith(folder, StringComparison.Ordinal))
                continue;
            using var reader = new StreamReader(server.GetManifestResourceStream(resource)!);
            yield return (Path.GetFileNameWithoutExtension(resource.Replace('\\', '/')), reader.ReadToEnd());
        }
    }

    private static int VersionOf(string name) => int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture);
}
