using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>Migrations a day up to today, in UTC, the earliest first.</summary>
internal sealed record RecentDays(DateOnly First, IReadOnlyList<long> Migrations)
{
    public const int Count = 30;

    public long Total => Migrations.Sum();

    public DateOnly Last => First.AddDays(Migrations.Count - 1);
}

/// <summary>Reads days of usage across months, from the rollups by day.</summary>
internal sealed class UsageDays(Database database, TimeProvider time)
{
    private const string DateFormat = "yyyy-MM-dd";

    public async Task<RecentDays> ReadAsync(Guid userId, CancellationToken cancellationToken)
    {
        var (first, months) = Range();
        var rows = await database.OfAccount(userId).ListAsync(
            $"""
            select date, cast(sum(migrations) as bigint)
            from usage_daily
            where user_id = {userId} and month >= {months} and date >= {first.ToString(DateFormat, CultureInfo.InvariantCulture)}
            group by date
            """,
            static row => (Date: row.Text(0), Migrations: row.Int64(1)),
            cancellationToken);
        return Spread(first, rows);
    }

    /// <summary>Reads the days of the current month that have usage, by the month that each event counts for.</summary>
    public Task<List<DailyUsage>> ReadMonthAsync(Guid userId, CancellationToken cancellationToken) => database.OfAccount(userId).ListAsync(
        $"select date, migrations, tokens from usage_daily where user_id = {userId} and month = {time.GetUtcNow().ToMonth()} order by date",
        static row => new DailyUsage(row.Text(0), row.Int64(1), row.Int64(2)),
        cancellationToken);

    /// <summary>Reads the last days of keys. Keys without a migration in these days are left out.</summary>
    public async Task<IReadOnlyDictionary<Guid, RecentDays>> ReadByKeyAsync(
        Guid userId, IReadOnlyList<Guid> keyIds, CancellationToken cancellationToken)
    {
        if (keyIds.Count == 0)
            return new Dictionary<Guid, RecentDays>();
        var (first, months) = Range();
        var rows = await database.OfAccount(userId).ReadAsync(
            session => session.ListAsync(
                $"""
                select d.key_id, d.date, cast(sum(d.migrations) as bigint)
                from usage_key_days d
                where d.user_id = {userId} and d.month >= {months} and d.date >= {first.ToString(DateFormat, CultureInfo.InvariantCulture)}
                  and d.key_id in (select k.id from {session.Rows("k", keyIds).With("id", static id => id)})
                group by d.key_id, d.date
                """,
                static row => (KeyId: row.Uuid(0), Date: row.Text(1), Migrations: row.Int64(2)),
                cancellationToken),
            cancellationToken);
        return rows.GroupBy(static row => row.KeyId).ToDictionary(
            static key => key.Key, key => Spread(first, key.Select(static row => (row.Date, row.Migrations))));
    }

    /// <summary>
    /// The days, and the months to read for them: an event may be of a month before its day, that in which its reservation was granted.
    /// </summary>
    private (DateOnly First, string Months) Range()
    {
        var now = time.GetUtcNow();
        var first = now.AddDays(1 - RecentDays.Count);
        return (DateOnly.FromDateTime(first.UtcDateTime), first.StartOfMonth().AddMonths(-1).ToMonth());
    }

    private static RecentDays Spread(DateOnly first, IEnumerable<(string Date, long Migrations)> rows)
    {
        var days = new long[RecentDays.Count];
        foreach (var (date, migrations) in rows)
        {
            // A client's clock may be minutes ahead: such an event is of tomorrow.
            var day = DateOnly.ParseExact(date, DateFormat, CultureInfo.InvariantCulture).DayNumber - first.DayNumber;
            if (day < days.Length)
                days[day] += migrations;
        }

        return new RecentDays(first, days);
    }
}
