using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>Collects changes to the rollups: one for each row, however many events of an account there are.</summary>
internal sealed class RollupChanges
{
    private static readonly Counter Migrations = new("migrations", static totals => totals.Migrations);

    private static readonly Counter[] MonthCounters =
    [
        Migrations,
        new("tier1_migrations", static totals => totals.Tier1Migrations),
        new("llm_migrations", static totals => totals.LlmMigrations),
        new("total_tokens", static totals => totals.Tokens),
        new("total_files_changed", static totals => totals.FilesChanged),
    ];

    private static readonly Counter[] DayCounters = [Migrations, new("tokens", static totals => totals.Tokens)];
    private static readonly Counter[] MigrationCounter = [Migrations];

    private static readonly KeyColumn Date = KeyColumn.OfText("date");
    private static readonly KeyColumn Library = KeyColumn.OfText("library");
    private static readonly KeyColumn ApiKey = new("key_id", static (rows, column) => rows.With(column, static row => row.Key.ApiKeyId));

    private readonly Dictionary<RowKey, Totals> _months = [];
    private readonly Dictionary<RowKey, Totals> _days = [];
    private readonly Dictionary<RowKey, Totals> _libraries = [];
    private readonly Dictionary<RowKey, Totals> _keys = [];
    private readonly Dictionary<RowKey, Totals> _keyDays = [];

    /// <summary>The months in which migrations were added.</summary>
    public IEnumerable<(Guid UserId, string Month)> Grown =>
        _months.Where(static row => row.Value.Migrations > 0).Select(static row => (row.Key.UserId, row.Key.Month));

    public void Add(PendingUsageEvent pending)
    {
        var (userId, usage) = pending;
        Add(_months, new RowKey(userId, usage.Month), usage);
        if (usage.Migrations > 0 || usage.TokensUsed > 0)
            Add(_days, new RowKey(userId, usage.Month, usage.OccurredAt.ToDate()), usage);
        if (usage.Migrations > 0)
            Add(_libraries, new RowKey(userId, usage.Month, usage.Library ?? ""), usage);
        if (usage.Migrations > 0 && usage.KeyId is { } keyId)
        {
            Add(_keys, new RowKey(userId, usage.Month) { ApiKeyId = keyId }, usage);
            Add(_keyDays, new RowKey(userId, usage.Month, usage.OccurredAt.ToDate()) { ApiKeyId = keyId }, usage);
        }
    }

    /// <summary>
    /// Writes the changes. Months come first, in key order: their locks also order the writes to the others, so that none deadlock.
    /// </summary>
    public IEnumerable<Sql> Write(Session session) =>
    [
        .. Upsert(session, "usage_monthly", [], _months, MonthCounters),
        .. Upsert(session, "usage_daily", [Date], _days, DayCounters),
        .. Upsert(session, "usage_libraries", [Library], _libraries, MigrationCounter),
        .. Upsert(session, "usage_keys", [ApiKey], _keys, MigrationCounter),
        .. Upsert(session, "usage_key_days", [ApiKey, Date], _keyDays, MigrationCounter),
    ];

    private static void Add(Dictionary<RowKey, Totals> rows, RowKey key, UsageEvent usage)
    {
        if (!rows.TryGetValue(key, out var totals))
            rows[key] = totals = new Totals();
        totals.Migrations += usage.Migrations;
        totals.Tier1Migrations += usage.Tier1Migrations;
        totals.LlmMigrations += usage.LlmMigrations;
        totals.Tokens += usage.TokensUsed;
        totals.FilesChanged += usage.FilesChanged;
    }

    /// <param name="keyColumns">The columns that tell the rows of a month apart, if it has several.</param>
    private static IEnumerable<Sql> Upsert(
        Session session, string table, KeyColumn[] keyColumns, Dictionary<RowKey, Totals> changes, Counter[] counters)
    {
        if (changes.Count == 0)
            return [];
        string[] keyNames = ["user_id", "month", .. keyColumns.Select(static column => column.Name)];
        var key = new SqlFragment(string.Join(", ", keyNames));
        var columns = new SqlFragment(string.Join(", ", counters.Select(static counter => counter.Column)));
        var sums = string.Join(", ", counters.Select(one => $"{one.Column} = {table}.{one.Column} + excluded.{one.Column}"));
        return session.Engine.InParts<KeyValuePair<RowKey, Totals>>(
            [.. changes],
            some =>
                $"""
                insert into {new SqlFragment(table)} ({key}, {columns})
                {Rows(some).Inserted(keyNames)}
                on conflict ({key}) do update set {new SqlFragment(sums)}
                """);

        SqlRows<KeyValuePair<RowKey, Totals>> Rows(IReadOnlyList<KeyValuePair<RowKey, Totals>> some)
        {
            var rows = session.Rows("added", some)
                .With("user_id", static row => row.Key.UserId)
                .With("month", static row => row.Key.Month);
            foreach (var keyColumn in keyColumns)
                keyColumn.Add(rows, keyColumn.Name);
            foreach (var counter in counters)
                rows.With(counter.Column, row => counter.Read(row.Value));
            return rows;
        }
    }

    private readonly record struct RowKey(Guid UserId, string Month, string? Part = null)
    {
        public Guid? ApiKeyId { get; init; }
    }

    private sealed record KeyColumn(string Name, Action<SqlRows<KeyValuePair<RowKey, Totals>>, string> Add)
    {
        public static KeyColumn OfText(string name) => new(name, static (rows, column) => rows.With(column, static row => row.Key.Part));
    }

    private sealed record Counter(string Column, Func<Totals, long> Read);

    private sealed class Totals
    {
        public long Migrations { get; set; }

        public long Tier1Migrations { get; set; }

        public long LlmMigrations { get; set; }

        public long Tokens { get; set; }

        public long FilesChanged { get; set; }
    }
}
