namespace PyResolve.Server.Tests.Usage;

/// <summary>Recounts the ledger by independent SQL, and compares every rollup.</summary>
internal static class LedgerRecount
{
    private const string Months = """
        select user_id, month,
               sum(case when event_type = 'migration' then quantity else 0 end),
               sum(case when event_type = 'migration' and tier = 'tier1' then quantity else 0 end),
               sum(case when event_type = 'migration' and tier in ('tier2', 'tier3') then quantity else 0 end),
               sum(tokens_used), sum(files_changed)
        from usage_events
        group by user_id, month
        """;

    private const string MonthlyRows = """
        select user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed
        from usage_monthly
        where migrations + total_tokens + total_files_changed > 0
           or exists (select 1 from usage_events e where e.user_id = usage_monthly.user_id and e.month = usage_monthly.month)
        """;

    private const string Libraries = """
        select user_id, month, coalesce(library, ''), sum(quantity)
        from usage_events
        where event_type = 'migration'
        group by user_id, month, coalesce(library, '')
        """;

    private const string Keys = """
        select user_id, month, key_id, sum(quantity)
        from usage_events
        where event_type = 'migration' and key_id is not null
        group by user_id, month, key_id
        """;

    /// <summary>The number of missing, surplus or wrong rows in the five rollups.</summary>
    public static async Task<long> CountDifferencesAsync(this TestStore store)
    {
        var date = store.Engine is not StorageEngine.Sqlite
            ? "to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD')"
            : "date(occurred_at / 1000000, 'unixepoch')";
        var days = $"""
            select user_id, month, {date}, sum(case when event_type = 'migration' then quantity else 0 end), sum(tokens_used)
            from usage_events
            where event_type = 'migration' or tokens_used > 0
            group by user_id, month, {date}
            """;
        var keyDays = $"""
            select user_id, month, key_id, {date}, sum(quantity)
            from usage_events
            where event_type = 'migration' and key_id is not null
            group by user_id, month, key_id, {date}
            """;
        return await CountAsync(Months, MonthlyRows)
            + await CountAsync(days, "select user_id, month, date, migrations, tokens from usage_daily")
            + await CountAsync(Libraries, "select user_id, month, library, migrations from usage_libraries")
            + await CountAsync(Keys, "select user_id, month, key_id, migrations from usage_keys")
            + await CountAsync(keyDays, "select user_id, month, key_id, date, migrations from usage_key_days");

        async Task<long> CountAsync(string counted, string kept) =>
            await store.ReadNumberAsync($"select count(*) from (select * from ({counted}) a except select * from ({kept}) b) c")
            + await store.ReadNumberAsync($"select count(*) from (select * from ({kept}) a except select * from ({counted}) b) c");
    }
}
