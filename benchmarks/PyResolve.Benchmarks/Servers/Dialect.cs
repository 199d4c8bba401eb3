using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>SQL that fills tables, on each engine. <c>Ago</c> and <c>MonthOf</c> take an expression for a number of seconds,
/// <c>NumberedId</c> one for a number.</summary>
internal sealed record Dialect(
    string NewId, string KeyPrefix, Func<int, int, string> Range, Func<string, string> Ago, Func<string, string> MonthOf,
    Func<string, string> DateOf, Func<string, string> NumberedId)
{
    private const string IdBase = "'00000000-0000-7000-8000-'";

    private static readonly Dialect Postgres = new(
        "gen_random_uuid()",
        "'pyr_live_' || lpad(to_hex(i), 11, '0')",
        static (first, last) => $"generate_series({first}, {last}) s(i)",
        static seconds => $"now() - ({seconds}) * interval '1 second'",
        static seconds => $"to_char((now() - ({seconds}) * interval '1 second') at time zone 'UTC', 'YYYY-MM')",
        static instant => $"to_char({instant} at time zone 'UTC', 'YYYY-MM-DD')",
        static number => $"({IdBase} || lpad(to_hex({number}), 12, '0'))::uuid");

    private static readonly Dialect Sqlite = new(
        "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-7' || substr(hex(randomblob(2)), 2) || '-8' "
            + "|| substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))",
        "printf('pyr_live_%011x', i)",
        static (first, last) =>
            $"(with recursive s(i) as (values ({first}) union all select i + 1 from s where i < {last}) select i from s) s",
        static seconds => $"(unixepoch() - ({seconds})) * 1000000",
        static seconds => $"strftime('%Y-%m', unixepoch() - ({seconds}), 'unixepoch')",
        static instant => $"strftime('%Y-%m-%d', {instant} / 1000000, 'unixepoch')",
        static number => $"{IdBase} || printf('%012x', {number})");

    public static Dialect Of(TestStore store) => store.Engine is StorageEngine.Postgres ? Postgres : Sqlite;

    /// <summary>Rows <c>s (i)</c> from 1 on.</summary>
    public string Series(int count) => Range(1, count);
}
