using Microsoft.Data.Sqlite;

namespace PyResolve.Server.Tests.Storage;

public sealed class SqliteVersionTests
{
    /// <summary>Before 3.51.3, a checkpoint beside another connection's commit could damage the database ("WAL-reset bug").</summary>
    [Fact]
    public void SQLite_is_new_enough_not_to_damage_its_write_ahead_log()
    {
        using var connection = new SqliteConnection("Data Source=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "select sqlite_version()";

        Version.Parse((string)command.ExecuteScalar()!).ShouldBeGreaterThanOrEqualTo(new Version(3, 51, 3));
    }
}
