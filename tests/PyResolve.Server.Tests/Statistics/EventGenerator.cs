using System.Globalization;

namespace PyResolve.Server.Tests.Statistics;

/// <summary>Fills a store with events and rollups by SQL that is independent of the server.</summary>
internal static class EventGenerator
{
    private const int Batch = 50_000;

    /// <summary>
    /// Adds events recorded a millisecond apart from 2026-11-01 on, in the order of their ids. Every second one belongs to the first
    /// account, the rest to the others in turn.
    /// </summary>
    /// <param name="days">The number of days on which they occurred, the last of which is 2026-11-30.</param>
    public static async Task GenerateEventsAsync(
        this TestStore store, IReadOnlyList<Guid> accounts, int count, int days = 1, int metadataCharacters = 0)
    {
        var owner =
            $"case when i % 2 = 0 then '{accounts[0]}' "
            + $"{string.Concat(accounts.Select((id, i) => $" when i / 2 % {accounts.Count} = {i} then '{id}'"))} end";
        var (ownerId, id, instant, day, metadata) = store.Engine is not StorageEngine.Sqlite
            ? ($"cast({owner} as uuid)",
               "cast(lpad(to_hex(i), 32, '0') as uuid)",
               $"timestamptz '2026-11-30T12:00:00Z' - (i / 80 % {days}) * interval '1 day', timestamptz '2026-11-01T00:00:00Z' + i * "
               + "interval '1 millisecond'",
               $"to_char(timestamp '2026-11-30' - (i / 80 % {days}) * interval '1 day', 'YYYY-MM')",
               $"jsonb_build_object('x', repeat('y', {metadataCharacters}))")
            : (owner,
               "'00000000-0000-0000-0000-' || printf('%012x', i)",
               $"(unixepoch('2026-11-30T12:00:00Z') - (i / 80 % {days}) * 86400) * 1000000, "
               + "unixepoch('2026-11-01T00:00:00Z') * 1000000 + i * 1000",
               $"strftime('%Y-%m', '2026-11-30', '-' || (i / 80 % {days}) || ' days')",
               $"json_object('x', replace(hex(zeroblob({metadataCharacters / 2})), '0', 'y'))");
        for (var from = 0; from < count; from += Batch)
        {
            var to = Math.Min(count, from + Batch) - 1;
            await store.ExecuteSqlAsync(string.Create(CultureInfo.InvariantCulture, $"""
                insert into usage_events (user_id, id, occurred_at, created_at, month, metadata, event_type, tier, library, quantity,
                                          tokens_used, files_changed)
                with recursive numbers (i) as (select {from} union all select i + 1 from numbers where i < {to})
                select {ownerId}, {id}, {instant}, {day}, {metadata},
                       case when i % 10 < 7 then 'migration' when i % 10 = 7 then 'scan' else 'llm_call' end,
                       case i % 4 when 1 then 'tier1' when 2 then 'tier2' when 3 then 'tier3' end,
                       case when i % 13 > 0 then 'lib' || (i * 31 % 500) end,
                       case when i % 70 = 0 then 3 else 1 end,
                       case when i % 5 > 0 then i % 5000 else 0 end,
                       i % 9
                from numbers
                """));
        }
    }

    /// <summary>Writes the rollups of the events.</summary>
    public static async Task AddUpAsync(this TestStore store)
    {
        var day = store.Engine is not StorageEngine.Sqlite
            ? "cast(cast(occurred_at at time zone 'UTC' as date) as text)"
            : "strftime('%Y-%m-%d', occurred_at / 1000000, 'unixepoch')";
        await store.ExecuteSqlAsync("""
            insert into usage_monthly (user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed)
            select user_id, month,
                   sum(case event_type when 'migration' then quantity else 0 end),
                   sum(case when event_type = 'migration' and tier = 'tier1' then quantity else 0 end),
                   sum(case when event_type = 'migration' and tier <> 'tier1' then quantity else 0 end),
                   sum(tokens_used), sum(files_changed)
            from usage_events group by user_id, month
            """);
        await store.ExecuteSqlAsync($"""
            insert into usage_daily (user_id, month, date, migrations, tokens)
            select user_id, month, day, sum(migrations), sum(tokens_used)
            from (
                select user_id, month, {day} as day, case event_type when 'migration' then quantity else 0 end as migrations, tokens_used
                from usage_events) events
            group by user_id, month, day having sum(migrations) + sum(tokens_used) > 0
            """);
        await store.ExecuteSqlAsync("""
            insert into usage_libraries (user_id, month, library, migrations)
            select user_id, month, coalesce(library, ''), sum(quantity)
            from usage_events
            where event_type = 'migration'
            group by user_id, month, coalesce(library, '')
            """);
    }
}
