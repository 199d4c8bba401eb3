using Npgsql;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>A database on the durable PostgreSQL.</summary>
internal sealed record BenchStore(string ConnectionString)
{
    /// <summary>A server's settings for this database.</summary>
    public IReadOnlyDictionary<string, string?> Settings => TestStore.On(ConnectionString).Settings;

    /// <summary>Runs SQL without a time limit.</summary>
    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
