using System.Net;
using Npgsql;

namespace PyResolve.TestKit;

/// <summary>
/// PgBouncer in transaction mode in front of a PostgreSQL, for every database there: each transaction gets any of a few connections. It
/// ends with this process at the latest. Not thread-safe.
/// </summary>
public sealed class Pooler : IAsyncDisposable
{
    private readonly LocalService _service = new();

    private Pooler()
    {
    }

    /// <param name="connectionString">A database of the PostgreSQL, and the user of every connection.</param>
    /// <param name="size">The connections of a database.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    public static async Task<Pooler> StartAsync(string connectionString, int size, CancellationToken cancellationToken = default)
    {
        var pooler = new Pooler();
        var address = new NpgsqlConnectionStringBuilder(connectionString);
        var password = address.Password is { Length: > 0 } secret ? $"password='{secret}'" : "";
        await File.WriteAllTextAsync(
            pooler.Configuration,
            $"""
            [databases]
            * = host={address.Host} port={address.Port} user={address.Username} {password}
            [pgbouncer]
            listen_addr = {IPAddress.Loopback}
            listen_port = {pooler._service.Port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = {size}
            max_client_conn = 2000
            server_login_retry = 1
            ; Seconds. Every test has a database of its own, and leaves it.
            server_idle_timeout = 2
            """,
            cancellationToken);
        await pooler.StartAsync(cancellationToken);
        return pooler;
    }

    /// <summary>The URL of a database behind it.</summary>
    public string Url(string connectionString) => PostgresAddress.ToUrl(
        new NpgsqlConnectionStringBuilder(connectionString) { Host = "127.0.0.1", Port = _service.Port }.ConnectionString)
        + "?pgbouncer=true";

    /// <summary>Starts it again after <see cref="KillAsync"/>.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // It refuses to run as root.
        string[] user = Environment.IsPrivilegedProcess ? ["--user=postgres"] : [];
        return _service.StartAsync("pgbouncer", "pgbouncer", [.. user, Configuration], cancellationToken);
    }

    public Task KillAsync() => _service.KillAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    private string Configuration => Path.Combine(_service.Folder, "pgbouncer.ini");
}
