using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.TestKit;

/// <summary>
/// A database with the schema, which the stores of many tests are copied from: the schema's files take several times as long. Thread-safe.
/// </summary>
internal static class StoreTemplate
{
    private static readonly Lazy<Task<byte[]>> SqliteFile = new(MakeSqliteFileAsync);

    /// <summary>Applies the schema's files to an empty database.</summary>
    public static async Task FillAsync(StorageEngine engine, string connectionString)
    {
        await using var database = new Database(engine is StorageEngine.Sqlite
            ? new SqliteEngine(new SqliteConnectionStringBuilder(connectionString).DataSource)
            : new PostgresEngine(connectionString));
        await new SchemaMigrator(database, TimeProvider.System, NullLogger<SchemaMigrator>.Instance).ApplyAsync(CancellationToken.None);
    }

    /// <summary>Writes an SQLite file with the schema.</summary>
    public static async Task CopyToAsync(string file)
    {
        var content = await SqliteFile.Value;
        // As PrivateData makes it.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = PrivateData.FileMode;
        await using var copy = new FileStream(file, options);
        await copy.WriteAsync(content);
    }

    /// <summary>Each store has its own, as if its schema had been made by the files.</summary>
    public static async Task RenewRandomValuesAsync(StorageEngine engine, string connectionString)
    {
        await using DbConnection connection = engine is StorageEngine.Sqlite
            ? new SqliteConnection($"{connectionString};Pooling=False")
            : new NpgsqlConnection($"{connectionString};Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = engine is StorageEngine.Sqlite
            ? """
              pragma synchronous = off;
              begin;
              update device_salt set salt = randomblob(32);
              update key_epoch set stamp = lower(hex(randomblob(16)));
              update key_changes set stamp = (select stamp from key_epoch), at = unixepoch() * 1000000;
              commit;
              """
            : """
              update device_salt set salt = decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
              update key_epoch set stamp = gen_random_uuid()::text;
              update key_changes set stamp = (select stamp from key_epoch), at = now();
              """;
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<byte[]> MakeSqliteFileAsync()
    {
        var folder = Directory.CreateTempSubdirectory("pyresolve-template-");
        try
        {
            var file = Path.Combine(folder.FullName, "template.db");
            await FillAsync(StorageEngine.Sqlite, $"Data Source={file}");
            await using (var connection = new SqliteConnection($"Data Source={file};Pooling=False"))
            {
                await connection.OpenAsync();
                await using var command = connection.CreateCommand();
                // So that all of it is in this one file.
                command.CommandText = "pragma wal_checkpoint(truncate)";
                await command.ExecuteNonQueryAsync();
            }

            return await File.ReadAllBytesAsync(file);
        }
        finally
        {
            SqliteConnection.ClearAllPools();
            folder.Delete(recursive: true);
        }
    }
}
