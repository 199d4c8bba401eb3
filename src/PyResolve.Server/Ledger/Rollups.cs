using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>What newly recorded events add to the rollups: one change a row, however many events of an account there are.</summary>
internal sealed class Rollups
{
    private readonly Dictionary<(Guid UserId, string Month), Totals> _months = [];
    private readonly Dictionary<(Guid UserId, string Month, string Date), Totals> _days = [];
    private readonly Dictionary<(Guid UserId, string Month, string Library), Totals> _libraries = [];

    public void Add(Posting posting)
    {
        var (userId, usage) = posting;
        Move(_months, (userId, usage.Month), usage);
        if (usage.Migrations > 0 || usage.TokensUsed > 0)
            Move(_days, (userId, usage.Month, usage.OccurredAt.ToDate()), usage);
        if (usage.Migrations > 0)
            Move(_libraries, (userId, usage.Month, usage.Library ?? ""), usage);
    }

    /// <summary>
    /// Months first, in their order: whoever moves a day or a library holds the row of its month, so that no two transactions wait for each
    /// other.
    /// </summary>
    public IEnumerable<Sql> Write(Session session)
    {
        if (_months.Count > 0)
            yield return MoveMonths(session);
        if (_days.Count > 0)
            yield return MoveDays(session);
        if (_libraries.Count > 0)
            yield return MoveLibraries(session);
    }

    private Sql MoveMonths(Session session)
    {
        var moved = session.Rows("moved", [.. _months])
            .With("user_id", month => month.Key.UserId)
            .With("month", month => month.Key.Month)
            .With("migrations", month => month.Value.Migrations)
            .With("tier1_migrations", month => month.Value.Tier1Migrations)
            .With("llm_migrations", month => month.Value.LlmMigrations)
            .With("total_tokens", month => month.Value.Tokens)
            .With("total_files_changed", month => month.Value.FilesChanged);
        return $"""
            insert into usage_monthly (user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed)
            select user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed
            from {moved}
            where true
            order by user_id, month
            on conflict (user_id, month) do update set
                migrations = usage_monthly.migrations + excluded.migrations,
                tier1_migrations = usage_monthly.tier1_migrations + excluded.tier1_migrations,
                llm_migrations = usage_monthly.llm_migrations + excluded.llm_migrations,
                total_tokens = usage_monthly.total_tokens + excluded.total_tokens,
                total_files_changed = usage_monthly.total_files_changed + excluded.total_files_changed
            """;
    }

    private Sql MoveDays(Session session)
    {
        var moved = session.Rows("moved", [.. _days])
            .With("user_id", day => day.Key.UserId)
            .With("month", day => day.Key.Month)
            .With("date", day => day.Key.Date)
            .With("migrations", day => day.Value.Migrations)
            .With("tokens", day => day.Value.Tokens);
        return $"""
            insert into usage_daily (user_id, month, date, migrations, tokens)
            select user_id, month, date, migrations, tokens
            from {moved}
            where true
            on conflict (user_id, month, date) do update set
                migrations = usage_daily.migrations + excluded.migrations,
                tokens = usage_daily.tokens + excluded.tokens
            """;
    }

    private Sql MoveLibraries(Session session)
    {
        var moved = session.Rows("moved", [.. _libraries])
            .With("user_id", library => library.Key.UserId)
            .With("month", library => library.Key.Month)
            .With("library", library => library.Key.Library)
            .With("migrations", library => library.Value.Migrations);
        return $"""
            insert into usage_libraries (user_id, month, library, migrations)
            select user_id, month, library, migrations
            from {moved}
            where true
            on conflict (user_id, month, library) do update set migrations = usage_libraries.migrations + excluded.migrations
            """;
    }

    private static void Move<TKey>(Dictionary<TKey, Totals> rows, TKey key, UsageRecord usage)
        where TKey : notnull
    {
        if (!rows.TryGetValue(key, out var totals))
            rows[key] = totals = new Totals();
        totals.Migrations += usage.Migrations;
        totals.Tier1Migrations += usage.Tier1Migrations;
        totals.LlmMigrations += usage.LlmMigrations;
        totals.Tokens += usage.TokensUsed;
        totals.FilesChanged += usage.FilesChanged;
    }

    private sealed class Totals
    {
        public long Migrations { get; set; }

        public long Tier1Migrations { get; set; }

        public long LlmMigrations { get; set; }

        public long Tokens { get; set; }

        public long FilesChanged { get; set; }
    }
}
