using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>
/// An account's month in the rollups and in the ledger. A month whose events retention may have deleted is never compared: the statement
/// that would see them gone also sees the mark that retention set before.
/// </summary>
internal sealed record RollupSlice(Guid UserId, string Month)
{
    private static readonly string[] MonthlyColumns =
        ["migrations", "tier1_migrations", "llm_migrations", "total_tokens", "total_files_changed", "held", "lapsed", "credits", "overage"];

    private static readonly SqlFragment EventTotals = new(
        """
        coalesce(sum(case when event_type = 'migration' then quantity end), 0) as migrations,
        coalesce(sum(case when event_type = 'migration' and tier = 'tier1' then quantity end), 0) as tier1_migrations,
        coalesce(sum(case when event_type = 'migration' and tier in ('tier2', 'tier3') then quantity end), 0) as llm_migrations,
        coalesce(sum(tokens_used), 0) as total_tokens,
        coalesce(sum(files_changed), 0) as total_files_changed,
        coalesce(sum(credits), 0) as credits,
        coalesce(sum(overage), 0) as overage,
        count(*) as events
        """);

    private static readonly SqlFragment ReservationTotals = new(
        """
        coalesce(sum(case when state = 'held' then remaining end), 0) as held,
        coalesce(sum(lapsed), 0) as lapsed,
        coalesce(sum(credits), 0) as credits,
        coalesce(sum(overage), 0) as overage
        """);

    private static readonly PartColumn KeyId = new("key_id", static _ => new("key_id"));

    private static readonly MigrationsBy ByLibrary = new(
        "usage_libraries", [new("library", static _ => new("coalesce(library, '')"))], static row => row.Text(0));

    private static readonly MigrationsBy ByKey = new("usage_keys", [KeyId], static row => row.Uuid(0).ToString());

    private static readonly MigrationsBy ByKeyAndDay = new(
        "usage_key_days",
        [KeyId, new("date", static engine => engine.DateOf("occurred_at"))],
        static row => $"{row.Uuid(0)} {row.Text(1)}");

    /// <summary>
    /// Whether retention may have deleted events of the month, so that what was compared or repaired before is worth nothing. Needed only
    /// where the statements do not see it themselves.
    /// </summary>
    public async Task<bool> IsGoneAsync(Session session, CancellationToken cancellationToken) =>
        session.Engine.IsDistributed
        && await session.NumberAsync(
            $"select count(*) from usage_retention where deleted_before > {Month}", cancellationToken) > 0;

    /// <returns>The number of events.</returns>
    public async Task<long> CompareAsync(Session session, Action<RollupDifference> report, CancellationToken cancellationToken)
    {
        var events = await CompareMonthAsync(session, report, cancellationToken);
        await CompareDaysAsync(session, report, cancellationToken);
        await ComparePartsAsync(ByLibrary, session, report, cancellationToken);
        await ComparePartsAsync(ByKey, session, report, cancellationToken);
        await ComparePartsAsync(ByKeyAndDay, session, report, cancellationToken);
        return events;
    }

    public async Task RepairMonthAsync(Session session, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"insert into usage_monthly (user_id, month) values ({UserId}, {Month}) on conflict do nothing", cancellationToken);
        await session.ExecuteAsync(
            $"""
            update usage_monthly
            set migrations = usage_monthly.migrations + d.migrations,
                tier1_migrations = usage_monthly.tier1_migrations + d.tier1_migrations,
                llm_migrations = usage_monthly.llm_migrations + d.llm_migrations,
                total_tokens = usage_monthly.total_tokens + d.total_tokens,
                total_files_changed = usage_monthly.total_files_changed + d.total_files_changed,
                held = usage_monthly.held + d.held,
                lapsed = usage_monthly.lapsed + d.lapsed,
                credits = usage_monthly.credits + d.credits,
                overage = usage_monthly.overage + d.overage
            from (
                select e.migrations - m.migrations as migrations,
                       e.tier1_migrations - m.tier1_migrations as tier1_migrations,
                       e.llm_migrations - m.llm_migrations as llm_migrations,
                       e.total_tokens - m.total_tokens as total_tokens,
                       e.total_files_changed - m.total_files_changed as total_files_changed,
                       h.held - m.held as held,
                       h.lapsed - m.lapsed as lapsed,
                       e.credits + h.credits - m.credits as credits,
                       e.overage + h.overage - m.overage as overage
                from (select {EventTotals} from usage_events where user_id = {UserId} and month = {Month}) e
                cross join (select {ReservationTotals} from reservations where user_id = {UserId} and month = {Month}) h
                join usage_monthly m on m.user_id = {UserId} and m.month = {Month}) d
            where usage_monthly.user_id = {UserId} and usage_monthly.month = {Month}
              and {IsKept(session)}
            """,
            cancellationToken);
    }

    public async Task RepairDaysAsync(Session session, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"""
            insert into usage_daily (user_id, month, date, migrations, tokens)
            select {UserId}, {Month}, coalesce(r.date, e.date),
                   coalesce(e.migrations, 0) - coalesce(r.migrations, 0), coalesce(e.tokens, 0) - coalesce(r.tokens, 0)
            {DifferentDays(session)}
            on conflict (user_id, month, date) do update set
                migrations = usage_daily.migrations + excluded.migrations,
                tokens = usage_daily.tokens + excluded.tokens
            """,
            cancellationToken);
        await session.ExecuteAsync(
            $"delete from usage_daily where user_id = {UserId} and month = {Month} and migrations = 0 and tokens = 0", cancellationToken);
    }

    public Task RepairLibrariesAsync(Session session, CancellationToken cancellationToken) =>
        RepairPartsAsync(ByLibrary, session, cancellationToken);

    public async Task RepairKeysAsync(Session session, CancellationToken cancellationToken)
    {
        await RepairPartsAsync(ByKey, session, cancellationToken);
        await RepairPartsAsync(ByKeyAndDay, session, cancellationToken);
    }

    private async Task<long> CompareMonthAsync(Session session, Action<RollupDifference> report, CancellationToken cancellationToken)
    {
        var events = 0L;
        await session.VisitAsync(
            $"""
            select coalesce(m.migrations, 0), coalesce(m.tier1_migrations, 0), coalesce(m.llm_migrations, 0), coalesce(m.total_tokens, 0),
                   coalesce(m.total_files_changed, 0), coalesce(m.held, 0), coalesce(m.lapsed, 0), coalesce(m.credits, 0),
                   coalesce(m.overage, 0),
                   e.migrations, e.tier1_migrations, e.llm_migrations, e.total_tokens, e.total_files_changed, h.held, h.lapsed,
                   e.credits + h.credits, e.overage + h.overage, e.events
            from (select {EventTotals} from usage_events where user_id = {UserId} and month = {Month}) e
            cross join (select {ReservationTotals} from reservations where user_id = {UserId} and month = {Month}) h
            left join usage_monthly m on m.user_id = {UserId} and m.month = {Month}
            where {IsKept(session)}
            """,
            row =>
            {
                for (var i = 0; i < MonthlyColumns.Length; i++)
                    Compare(report, "usage_monthly", "", MonthlyColumns[i], row.Int64(i), row.Int64(MonthlyColumns.Length + i));
                events = row.Int64(2 * MonthlyColumns.Length);
                return true;
            },
            cancellationToken);
        return events;
    }

    private Task CompareDaysAsync(Session session, Action<RollupDifference> report, CancellationToken cancellationToken) =>
        session.VisitAsync(
            $"""
            select coalesce(r.date, e.date),
                   coalesce(r.migrations, 0), coalesce(e.migrations, 0), coalesce(r.tokens, 0), coalesce(e.tokens, 0)
            {DifferentDays(session)}
            order by 1
            """,
            row =>
            {
                Compare(report, "usage_daily", row.Text(0), "migrations", row.Int64(1), row.Int64(2));
                Compare(report, "usage_daily", row.Text(0), "tokens", row.Int64(3), row.Int64(4));
                return true;
            },
            cancellationToken);

    private async Task RepairPartsAsync(MigrationsBy part, Session session, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"""
            insert into {part.Table} (user_id, month, {part.Names}, migrations)
            select {UserId}, {Month}, {part.OfEither}, coalesce(e.migrations, 0) - coalesce(r.migrations, 0)
            {DifferentParts(part, session)}
            on conflict (user_id, month, {part.Names}) do update set migrations = {part.Table}.migrations + excluded.migrations
            """,
            cancellationToken);
        await session.ExecuteAsync(
            $"delete from {part.Table} where user_id = {UserId} and month = {Month} and migrations = 0", cancellationToken);
    }

    private Task ComparePartsAsync(
        MigrationsBy part, Session session, Action<RollupDifference> report, CancellationToken cancellationToken) =>
        session.VisitAsync(
            $"""
            select {part.OfEither}, coalesce(r.migrations, 0), coalesce(e.migrations, 0)
            {DifferentParts(part, session)}
            order by {part.Positions}
            """,
            row =>
            {
                var (was, @is) = (row.Int64(part.Columns.Count), row.Int64(part.Columns.Count + 1));
                Compare(report, part.Table.Text!, part.ReadName(row), "migrations", was, @is);
                return true;
            },
            cancellationToken);

    private SqlPart DifferentDays(Session session) => new(
        $"""
        from (select date, migrations, tokens from usage_daily where user_id = {UserId} and month = {Month}) r
        full join (
            select {session.Engine.DateOf("occurred_at")} as date,
                   cast(coalesce(sum(case when event_type = 'migration' then quantity end), 0) as bigint) as migrations,
                   cast(sum(tokens_used) as bigint) as tokens
            from usage_events
            where user_id = {UserId} and month = {Month} and (event_type = 'migration' or tokens_used > 0)
            group by 1) e on e.date = r.date
        where (coalesce(r.migrations, 0) <> coalesce(e.migrations, 0) or coalesce(r.tokens, 0) <> coalesce(e.tokens, 0))
          and {IsKept(session)}
        """);

    private SqlPart DifferentParts(MigrationsBy part, Session session) => new(
        $"""
        from (select {part.Names}, migrations from {part.Table} where user_id = {UserId} and month = {Month}) r
        full join (
            select {part.OfEvent(session.Engine)}, cast(sum(quantity) as bigint) as migrations
            from usage_events
            where user_id = {UserId} and month = {Month} and event_type = 'migration' and {part.IsNamed(session.Engine)}
            group by {part.Positions}) e on {part.AreSame}
        where coalesce(r.migrations, 0) <> coalesce(e.migrations, 0)
          and {IsKept(session)}
        """);

    // On several machines one statement does not see one instant: there the mark is read afterwards.
    private SqlPart IsKept(Session session)
    {
        Sql isKept = session.Engine.IsDistributed
            ? $"true"
            : (Sql)$"not exists (select 1 from usage_retention where deleted_before > {Month})";
        return new SqlPart(isKept);
    }

    private void Compare(Action<RollupDifference> report, string table, string row, string column, long was, long @is)
    {
        if (was != @is)
            report(new RollupDifference(table, UserId, Month, row, column, was, @is));
    }

    /// <param name="OfEvent">What an event has in its place; null: it is not in the rollup.</param>
    private sealed record PartColumn(string Name, Func<Engine, SqlFragment> OfEvent);

    /// <summary>A rollup of a month's migrations by what their events name. There may be as many names as events.</summary>
    private sealed record MigrationsBy(string TableName, IReadOnlyList<PartColumn> Columns, Func<Row, string> ReadName)
    {
        public SqlFragment Table { get; } = new(TableName);

        public SqlFragment Names { get; } = Join(", ", Columns, static column => column.Name);

        public SqlFragment Positions { get; } = new(string.Join(", ", Enumerable.Range(1, Columns.Count)));

        public SqlFragment OfEither { get; } = Join(", ", Columns, static column => $"coalesce(r.{column.Name}, e.{column.Name})");

        public SqlFragment AreSame { get; } = Join(" and ", Columns, static column => $"e.{column.Name} = r.{column.Name}");

        public SqlFragment OfEvent(Engine engine) => Join(", ", Columns, column => $"{column.OfEvent(engine).Text} as {column.Name}");

        public SqlFragment IsNamed(Engine engine) => Join(" and ", Columns, column => $"{column.OfEvent(engine).Text} is not null");

        private static SqlFragment Join(string separator, IReadOnlyList<PartColumn> columns, Func<PartColumn, string> write) =>
            new(string.Join(separator, columns.Select(write)));
    }
}
