namespace PyResolve.Server.Storage;

/// <summary>
/// Finds the time by which rows are old enough to be deleted: that of the newest row that was stored a day ago, not the clock's. A clock
/// that is wrong for an hour must not delete what cannot be had back. The newest rows stay.
/// </summary>
internal static class SettledTime
{
    public static readonly TimeSpan SettlingTime = TimeSpan.FromDays(1);

    /// <returns>An instant that has come for certain; null while there is no row of a day ago.</returns>
    /// <param name="column">When a row was stored, or a time that follows from it.</param>
    /// <param name="order">A column with an index, in the same order.</param>
    public static async Task<DateTimeOffset?> FindAsync(
        Database database, string table, string column, string order, DateTimeOffset now, CancellationToken cancellationToken) =>
        (await database.ListAsync(
            $"""
            select {new SqlFragment(column)} from {new SqlFragment(table)} where {new SqlFragment(column)} < {now - SettlingTime}
            order by {new SqlFragment(order)} desc limit 1
            """,
            static row => row.Instant(0),
            cancellationToken)) is [var newest] ? newest : null;
}
