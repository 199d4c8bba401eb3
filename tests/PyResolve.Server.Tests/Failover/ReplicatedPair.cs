using Npgsql;

namespace PyResolve.Server.Tests.Failover;

/// <summary>Two PostgreSQL servers, one the standby of the other, with one database on them. They change places at each failover.</summary>
internal sealed class ReplicatedPair : IAsyncDisposable
{
    private readonly PostgresServer[] _both;
    private readonly string _database;
    private bool _isSynchronous;

    private ReplicatedPair(PostgresServer primary, PostgresServer standby, string database)
    {
        (_both, _database) = ([primary, standby], database);
        (Primary, Standby) = (primary, standby);
    }

    public PostgresServer Primary { get; private set; }

    public PostgresServer Standby { get; private set; }

    /// <summary>The settings of a server that knows both.</summary>
    public Dictionary<string, string?> Environment => new()
    {
        ["DATABASE_URL"] = $"postgres://postgres@127.0.0.1:{_both[0].Port},127.0.0.1:{_both[1].Port}/{_database}"
            + "?target_session_attrs=read-write",
    };

    public TestStore OnPrimary => StoreOn(Primary);

    public TestStore OnStandby => StoreOn(Standby);

    public static async Task<ReplicatedPair> StartAsync(bool isSynchronous, CancellationToken cancellationToken)
    {
        var primary = await PostgresServer.StartAsync(durable: true, cancellationToken);
        var address = new NpgsqlConnectionStringBuilder(await primary.CreateDatabaseAsync(cancellationToken: cancellationToken));
        // A primary that returns needs its log back to where the two parted.
        await primary.ConfigureAsync("wal_keep_size", "1GB");
        var standby = await primary.StartStandbyAsync(cancellationToken);
        var pair = new ReplicatedPair(primary, standby, address.Database!) { _isSynchronous = isSynchronous };
        await pair.StreamAsync(cancellationToken);
        return pair;
    }

    /// <summary>The standby becomes the primary; the other one was killed before.</summary>
    public async Task PromoteAsync()
    {
        await Standby.PromoteAsync();
        (Primary, Standby) = (Standby, Primary);
    }

    /// <summary>The primary that was killed returns as the standby.</summary>
    public async Task RejoinAsync(CancellationToken cancellationToken)
    {
        await Standby.FollowAsync(Primary, cancellationToken);
        await StreamAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _both)
            await server.DisposeAsync();
    }

    /// <summary>From then on a commit waits for the standby. Before, the standby has caught up.</summary>
    private async Task StreamAsync(CancellationToken cancellationToken)
    {
        await Eventually.IsTrueAsync(() => ReplicatesAsync("state = 'streaming'"), TimeSpan.FromSeconds(60), cancellationToken);
        if (!_isSynchronous)
            return;
        await Primary.ConfigureAsync("synchronous_standby_names", "*");
        await Eventually.IsTrueAsync(() => ReplicatesAsync("sync_state = 'sync'"), TimeSpan.FromSeconds(60), cancellationToken);
    }

    private async Task<bool> ReplicatesAsync(string how) =>
        await OnPrimary.ReadNumberAsync($"select count(*) from pg_stat_replication where {how}") == 1;

    // Not pooled: each kill would leave dead connections.
    private TestStore StoreOn(PostgresServer server) => TestStore.On(
        new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = _database, Pooling = false }.ConnectionString);
}
