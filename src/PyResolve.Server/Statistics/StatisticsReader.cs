using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>Reads the rollups alone, so that the cost does not grow with the number of events.</summary>
internal sealed class StatisticsReader(Database database, QuotaReader quotas, LargestLibraries largest, TimeProvider time)
{
    /// <summary>The most names that are read and sorted for each request.</summary>
    private const int MaxSorted = 1_000;

    private const int MaxKeys = 100;
    private const string Others = "other";

    public async Task<UsageStatistics> ReadMonthAsync(Guid userId, string? month, CancellationToken cancellationToken)
    {
        month ??= time.GetUtcNow().ToMonth();
        var ranking = await largest.RecallAsync(userId, month, cancellationToken);
        var lines = await ReadLinesAsync(userId, month, ranking, cancellationToken);
        if (ranking is null && lines.Count(static line => line.Kind == Line.Library) > MaxSorted)
        {
            ranking = await largest.FindAsync(userId, month, cancellationToken);
            lines = await ReadLinesAsync(userId, month, ranking, cancellationToken);
        }

        var quota = await quotas.ReadAsync(userId, cancellationToken);
        var totals = lines.Find(line => line.Kind == Line.Total) ?? Line.Nothing;
        return new UsageStatistics(
            month,
            totals.Migrations,
            totals.Tier1Migrations,
            totals.LlmMigrations,
            totals.Tokens,
            totals.FilesChanged,
            [
                .. from line in lines
                   where line.Kind == Line.Day
                   orderby line.Name
                   select new DailyUsage(line.Name, line.Migrations, line.Tokens),
            ],
            Libraries(lines, ranking, totals.Migrations),
            quota)
        {
            ByKey = await KeysAsync(userId, lines, totals.Migrations, cancellationToken),
        };
    }

    /// <summary>Reads the months of an account. One without a row has zeros.</summary>
    public async Task<UsageHistory> ReadHistoryAsync(Guid userId, int months, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var first = new DateTime(now.UtcDateTime.Year, now.UtcDateTime.Month, 1, 0, 0, 0, DateTimeKind.Utc);
        var names = Enumerable.Range(0, months)
            .Select(back => first.AddMonths(-back).ToString("yyyy-MM", CultureInfo.InvariantCulture))
            .ToList();
        var stored = await database.OfAccount(userId).ListAsync(
            $"""
            select month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed
            from usage_monthly
            where user_id = {userId} and month between {names[^1]} and {names[0]}
            """,
            static row => new MonthlyUsage(row.Text(0), row.Int64(1), row.Int64(2), row.Int64(3), row.Int64(4), row.Int64(5)),
            cancellationToken);
        var byName = stored.ToDictionary(month => month.Month, StringComparer.Ordinal);
        return new UsageHistory([.. names.Select(name => byName.GetValueOrDefault(name) ?? new MonthlyUsage(name, 0, 0, 0, 0, 0))]);
    }

    /// <summary>Reads the lines of a month in one snapshot: days, libraries and keys add up to the total.</summary>
    /// <param name="ranking">The libraries to read; null: the first by name, one more than <see cref="MaxSorted"/> at most.</param>
    private Task<List<Line>> ReadLinesAsync(
        Guid userId, string month, LibraryRanking? ranking, CancellationToken cancellationToken) => database.OfAccount(userId).ReadAsync(
        session => session.ListAsync(
            $"""
            with libraries as (
                {(ranking is null ? FirstByName(userId, month) : ByName(session, userId, month, ranking.Names))}),
            top_keys as (
                select key_id, migrations
                from usage_keys
                where user_id = {userId} and month = {month} and migrations > 0
                order by migrations desc, key_id
                limit {MaxKeys})
            select {Line.Total}, '', migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed
            from usage_monthly
            where user_id = {userId} and month = {month}
            union all
            select {Line.Day}, date, migrations, 0, 0, tokens, 0
            from usage_daily
            where user_id = {userId} and month = {month}
            union all
            select {Line.Library}, library, migrations, 0, 0, 0, 0
            from libraries
            union all
            select {Line.NoLibrary}, '', migrations, 0, 0, 0, 0
            from usage_libraries
            where user_id = {userId} and month = {month} and library = '' and migrations > 0
            union all
            select {Line.Key}, cast(key_id as text), migrations, 0, 0, 0, 0
            from top_keys
            union all
            select {Line.AllKeys}, '', cast(sum(migrations) as bigint), count(*), 0, 0, 0
            from usage_keys
            where user_id = {userId} and month = {month} and migrations > 0
            having count(*) > 0
            """,
            static row => new Line(row.Int64(0), row.Text(1), row.Int64(2), row.Int64(3), row.Int64(4), row.Int64(5), row.Int64(6)),
            cancellationToken),
        cancellationToken);

    private static SqlPart FirstByName(Guid userId, string month) => new(
        $"""
        select library, migrations
        from usage_libraries
        where user_id = {userId} and month = {month} and library <> '' and migrations > 0
        order by library
        limit {MaxSorted + 1}
        """);

    /// <summary>Reads libraries by one look-up for each name: a join may read all names of the month.</summary>
    private static SqlPart ByName(Session session, Guid userId, string month, IReadOnlyList<string> names) => new(
        $"""
        select name as library, coalesce((
            select l.migrations
            from usage_libraries l
            where l.user_id = {userId} and l.month = {month} and l.library = ranked.name), 0) as migrations
        from {session.Rows("ranked", names).With("name", static name => name)}
        """);

    private static List<LibraryUsage> Libraries(List<Line> lines, LibraryRanking? ranking, long migrations)
    {
        var named = lines.Where(static line => line.Kind == Line.Library)
            .OrderByDescending(static line => line.Migrations)
            .ThenBy(static line => line.Name, StringComparer.Ordinal)
            .ToList();
        var libraries = named.Take(LargestLibraries.MaxNames)
            .Concat(lines.Where(static line => line.Kind == Line.NoLibrary))
            .OrderByDescending(static line => line.Migrations)
            .ThenBy(static line => line.Name, StringComparer.Ordinal)
            .Select(static line => new LibraryUsage(line.Name.Length > 0 ? line.Name : null, line.Migrations))
            .ToList();
        // The others are what the month has beside those listed: to add them up would read every name.
        if ((ranking?.Others ?? named.Count - LargestLibraries.MaxNames) is > 0 and var others)
        {
            var rest = Math.Max(0, migrations - libraries.Sum(static library => library.Migrations));
            libraries.Add(new LibraryUsage(Others, rest) { Libraries = others });
        }

        return libraries;
    }

    /// <summary>Reads the usage of keys. What is left of the month was reported by sessions, or before events had a key.</summary>
    private async Task<List<KeyUsage>> KeysAsync(
        Guid userId, List<Line> lines, long migrations, CancellationToken cancellationToken)
    {
        var named = lines.Where(line => line.Kind == Line.Key)
            .Select(line => (Id: Guid.ParseExact(line.Name, "D"), line.Migrations))
            .OrderByDescending(key => key.Migrations)
            .ThenBy(key => key.Id.ToString("D"), StringComparer.Ordinal)
            .ToList();
        var names = named.Count == 0 ? [] : await ReadKeyNamesAsync(userId, [.. named.Select(key => key.Id)], cancellationToken);
        var keys = named
            .Select(key => new KeyUsage(
                key.Id, names.GetValueOrDefault(key.Id).Prefix, names.GetValueOrDefault(key.Id).Name, key.Migrations))
            .ToList();
        var all = lines.Find(line => line.Kind == Line.AllKeys) ?? Line.Nothing;
        if (all.Keys > named.Count)
        {
            var rest = all.Migrations - named.Sum(key => key.Migrations);
            keys.Add(new KeyUsage(null, null, Others, rest) { Keys = all.Keys - named.Count });
        }

        if (migrations > all.Migrations)
            keys.Add(new KeyUsage(null, null, null, migrations - all.Migrations));
        return keys;
    }

    private async Task<Dictionary<Guid, (string? Prefix, string? Name)>> ReadKeyNamesAsync(
        Guid userId, List<Guid> ids, CancellationToken cancellationToken) => (await database.ReadAsync(
        session => session.ListAsync(
            $"""
            select id, key_prefix, name
            from api_keys
            where user_id = {userId} and id in (select k.id from {session.Rows("k", ids).With("id", static id => id)})
            """,
            static row => (Id: row.Uuid(0), Prefix: (string?)row.Text(1), Name: row.TextOrNull(2)),
            cancellationToken),
        cancellationToken)).ToDictionary(static key => key.Id, static key => (key.Prefix, key.Name));

    /// <summary>A line of any rollup. Columns that a rollup does not have are 0.</summary>
    private sealed record Line(
        long Kind, string Name, long Migrations, long Tier1Migrations, long LlmMigrations, long Tokens, long FilesChanged)
    {
        public const int Total = 0;
        public const int Day = 1;
        public const int Library = 2;
        public const int NoLibrary = 3;
        public const int Key = 4;
        public const int AllKeys = 5;

        public static Line Nothing { get; } = new(Total, "", 0, 0, 0, 0, 0);

        /// <summary>The number of keys in <see cref="AllKeys"/>.</summary>
        public long Keys => Tier1Migrations;
    }
}
