using Npgsql;

namespace PyResolve.Server.Tests.Citus;

/// <summary>Counts the sessions of a PostgreSQL twice a second, on a connection of its own.</summary>
internal sealed class SessionCount : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly NpgsqlConnection _connection;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<int> _counts = [];
    private readonly Task _counting;

    private SessionCount(NpgsqlConnection connection)
    {
        _connection = connection;
        _counting = CountAllAsync();
    }

    public int Last => _counts[^1];

    public int Most => _counts.Max();

    /// <summary>One every five seconds.</summary>
    public string Course => string.Join(' ', _counts.Where(static (_, i) => i % 10 == 0));

    public static async Task<SessionCount> StartAsync(PostgresServer server, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection($"{server.ConnectionString};Pooling=false");
        await connection.OpenAsync(cancellationToken);
        return new SessionCount(connection);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _counting;
        await _connection.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task CountAllAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            await using var command = new NpgsqlCommand(
                "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()", _connection);
            var count = (int)(long)(await command.ExecuteScalarAsync())!;
            lock (_counts)
                _counts.Add(count);
            await Task.Delay(Interval, CancellationToken.None);
        }
    }
}
