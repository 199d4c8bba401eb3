using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.TestKit;

/// <summary>A test's own database, which one or several servers use.</summary>
public sealed class TestStore : IAsyncDisposable
{
    /// <summary>Set: servers reach PostgreSQL through PgBouncer, in transaction mode.</summary>
    public const string PooledVariable = "PYRESOLVE_TEST_POOLED";

    private const int Shards = 8;

    /// <summary>Seconds. Proofs generate millions of rows, and count them.</summary>
    private const int CommandTimeout = 600;

    /// <summary>What Citus has of its own, and the server asks for.</summary>
    private const string FourShards =
        """
        create function get_shard_id_for_distribution_column(regclass, uuid) returns bigint
        language sql immutable as 'select abs(hashtext($2::text) % 4)::bigint';
        create view pg_dist_placement as select cast(n as bigint) as shardid, 1 + n % 2 as groupid from generate_series(0, 3) n;
        create function citus_is_coordinator() returns boolean language sql immutable as 'select true';
        """;

    private readonly string? _folder;
    private readonly string? _url;
    private readonly string _connectionString;

    private TestStore(StorageEngine engine, string connectionString, string? folder, string? url = null)
    {
        Engine = engine;
        _connectionString = connectionString;
        _folder = folder;
        _url = url;
    }

    public static bool IsPooled { get; } = Environment.GetEnvironmentVariable(PooledVariable) is { Length: > 0 };

    public StorageEngine Engine { get; }

    /// <summary>For a driver of the test's own.</summary>
    public string ConnectionString => _connectionString;

    /// <summary>The settings of a server that uses it.</summary>
    public IReadOnlyDictionary<string, string?> Settings => _folder is null
        ? new Dictionary<string, string?> { ["DATABASE_URL"] = _url ?? PostgresAddress.ToUrl(_connectionString), ["PYRESOLVE_DATA"] = null }
        : new Dictionary<string, string?> { ["DATABASE_URL"] = null, ["PYRESOLVE_DATA"] = _folder };

    /// <summary>An empty one.</summary>
    public static async Task<TestStore> CreateAsync(StorageEngine engine, PostgresFixture postgres)
    {
        if (engine is StorageEngine.Postgres)
            return await OnPostgresAsync(await postgres.CreateDatabaseAsync(), postgres);

        if (engine is StorageEngine.Citus && CitusCluster.IsNamed)
            return await OnCitusAsync(await postgres.CitusAsync(), CancellationToken.None);
        if (engine is StorageEngine.Citus)
        {
            var store = new TestStore(engine, await postgres.CreateDatabaseAsync(), folder: null);
            await store.ExecuteSqlAsync(FourShards);
            return store;
        }

        return InFolder(Directory.CreateTempSubdirectory("pyresolve-store-").FullName);
    }

    /// <summary>One with the schema already, except on Citus. A server that starts on it has nothing to change.</summary>
    public static async Task<TestStore> CreateReadyAsync(StorageEngine engine, PostgresFixture postgres)
    {
        if (engine is StorageEngine.Citus)
            return await CreateAsync(engine, postgres);
        var store = engine is StorageEngine.Postgres
            ? await OnPostgresAsync(await postgres.CreateReadyDatabaseAsync(), postgres)
            : await CreateAsync(engine, postgres);
        if (store._folder is not null)
            await StoreTemplate.CopyToAsync(FileIn(store._folder));
        await StoreTemplate.RenewRandomValuesAsync(engine, store._connectionString);
        return store;
    }

    /// <summary>A database that the test created on its own PostgreSQL.</summary>
    public static TestStore On(string connectionString) => new(StorageEngine.Postgres, connectionString, folder: null);

    /// <summary>A database of a Citus, with the schema distributed over its nodes.</summary>
    public static async Task<TestStore> OnCitusAsync(CitusCluster citus, CancellationToken cancellationToken, int shards = Shards)
    {
        var database = await citus.CreateDatabaseAsync(cancellationToken);
        await DistributeAsync(database, shards, cancellationToken);
        return new TestStore(StorageEngine.Citus, database, folder: null);
    }

    /// <summary>Gives a database of a Citus the schema, and distributes it, as <c>migrate-schema --distribute</c> does.</summary>
    private static async Task DistributeAsync(string connectionString, int shards, CancellationToken cancellationToken)
    {
        await using var database = new Database(new PostgresEngine(connectionString));
        var schema = new SchemaMigrator(database, TimeProvider.System, NullLogger<SchemaMigrator>.Instance);
        await schema.ApplyAsync(cancellationToken);
        await schema.DistributeAsync(shards, progress: null, cancellationToken);
    }

    /// <summary>Runs SQL by hand, as an operator would.</summary>
    /// <returns>The number of rows that it changed.</returns>
    public async Task<int> ExecuteSqlAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = CommandTimeout;
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first column of the first row.</summary>
    public async Task<object?> ReadSqlAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = CommandTimeout;
        return await command.ExecuteScalarAsync();
    }

    /// <summary>The first row by its column names.</summary>
    public async Task<IReadOnlyDictionary<string, object>> ReadRowAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync()
            ? Enumerable.Range(0, reader.FieldCount).ToDictionary(reader.GetName, reader.GetValue)
            : throw new InvalidOperationException($"No row: {sql}");
    }

    public ValueTask DisposeAsync()
    {
        if (_folder is not null)
        {
            SqliteConnection.ClearAllPools();
            Directory.Delete(_folder, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    private static async Task<TestStore> OnPostgresAsync(string database, PostgresFixture postgres) =>
        new(StorageEngine.Postgres, database, folder: null, IsPooled ? await postgres.PooledUrlAsync(database) : null);

    private static TestStore InFolder(string folder) =>
        new(StorageEngine.Sqlite, new SqliteConnectionStringBuilder { DataSource = FileIn(folder) }.ToString(), folder);

    private static string FileIn(string folder) => Path.Combine(folder, "pyresolve.db");

    private async Task<DbConnection> OpenAsync()
    {
        DbConnection connection = Engine is not StorageEngine.Sqlite
            ? new NpgsqlConnection(_connectionString)
            : new SqliteConnection(_connectionString);
        await connection.OpenAsync();
        return connection;
    }
}
