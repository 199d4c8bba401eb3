using Microsoft.Data.Sqlite;
using Npgsql;
using NpgsqlTypes;
using PyResolve.Client.Wire;

namespace PyResolve.LimitServer;

/// <summary>The simplest ways to record usage: a commit per request, and rows in bulk.</summary>
internal static class UsageLimits
{
    private const string Route = "/limit";
    private const int RowsACopy = 10_000;
    private const string Month = "2026-11";

    private const string Insert = """
        insert into usage_events
          (user_id, id, event_type, library, tier, files_changed, tokens_used, metadata, month, occurred_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
        on conflict do nothing
        """;

    private const string Move = """
        insert into usage_monthly (user_id, month, migrations, total_tokens, total_files_changed)
        values ($1, $2, 1, $3, $4)
        on conflict (user_id, month) do update set
            migrations = usage_monthly.migrations + 1,
            total_tokens = usage_monthly.total_tokens + excluded.total_tokens,
            total_files_changed = usage_monthly.total_files_changed + excluded.total_files_changed
        """;

    /// <summary>
    /// PostgreSQL: INSERT and rollup, prepared, in one round trip and one commit per request. The key's account is looked up in memory.
    /// </summary>
    public static WebApplication BuildCommit(WebApplicationBuilder builder)
    {
        var source = LimitStore.Open(builder.Configuration);
        var accounts = ReadAccounts(source);
        var app = builder.Build();
        app.MapPost(Route, async (HttpContext http, UsageEventRequest usage) =>
        {
            var account = accounts[http.Request.Headers["X-API-Key"].ToString()[..20]];
            await using var connection = await source.OpenConnectionAsync(http.RequestAborted);
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    new NpgsqlBatchCommand(Insert)
                    {
                        Parameters =
                        {
                            new NpgsqlParameter<Guid> { TypedValue = account },
                            new NpgsqlParameter<Guid> { TypedValue = usage.Id!.Value },
                            new NpgsqlParameter<string> { TypedValue = usage.EventType },
                            new NpgsqlParameter<string> { TypedValue = usage.Library },
                            new NpgsqlParameter<string> { TypedValue = usage.Tier },
                            new NpgsqlParameter<int> { TypedValue = (int)usage.FilesChanged!.Value },
                            new NpgsqlParameter<int> { TypedValue = (int)usage.TokensUsed!.Value },
                            new NpgsqlParameter<string>
                        {
                            TypedValue = usage.Metadata!.Value.GetRawText(),
                            NpgsqlDbType = NpgsqlDbType.Json,
                        },
                            new NpgsqlParameter<string> { TypedValue = Month },
                            new NpgsqlParameter<DateTime> { TypedValue = TimeProvider.System.GetUtcNow().UtcDateTime },
                        },
                    },
                    new NpgsqlBatchCommand(Move)
                    {
                        Parameters =
                        {
                            new NpgsqlParameter<Guid> { TypedValue = account },
                            new NpgsqlParameter<string> { TypedValue = Month },
                            new NpgsqlParameter<long> { TypedValue = usage.TokensUsed!.Value },
                            new NpgsqlParameter<long> { TypedValue = usage.FilesChanged!.Value },
                        },
                    },
                },
            };
            // Once per connection; later calls do nothing.
            await batch.PrepareAsync(http.RequestAborted);
            await batch.ExecuteNonQueryAsync(http.RequestAborted);
            return TypedResults.Ok(new UsageRecorded("recorded"));
        });
        return app;
    }

    /// <summary>
    /// SQLite, write-ahead log, synchronous FULL: the same statements, prepared, on one connection that the requests share.
    /// </summary>
    public static WebApplication BuildEmbedded(WebApplicationBuilder builder)
    {
        var file = Path.Combine(builder.Configuration["PYRESOLVE_DATA"]!, "limit.db");
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file }.ToString());
        connection.Open();
        Execute(connection, """
            pragma journal_mode = wal; pragma synchronous = full;
            create table usage_events (
                user_id text not null, id text not null, event_type text not null, library text, tier text,
                quantity integer not null default 1, files_changed integer not null default 0,
                tokens_used integer not null default 0, metadata text not null default '{}',
                month text not null, occurred_at integer not null, created_at integer not null, reservation_id text,
                late integer not null default 0, payload_digest blob, primary key (user_id, id)) strict;
            create index usage_events_month on usage_events (user_id, month, created_at);
            create table usage_monthly (
                user_id text not null, month text not null, migrations integer not null, total_tokens integer not null,
                total_files_changed integer not null, primary key (user_id, month)) strict;
            """);
        var insert = Prepare(connection, Insert, parameters: 10);
        var move = Prepare(connection, Move, parameters: 4);
        var turn = new SemaphoreSlim(1, 1);
        var app = builder.Build();
        app.MapPost(Route, async (HttpContext http, UsageEventRequest usage) =>
        {
            var account = http.Request.Headers["X-API-Key"].ToString();
            await turn.WaitAsync(http.RequestAborted);
            try
            {
                using var transaction = connection.BeginTransaction(deferred: false);
                Run(
                    insert, transaction, account, usage.Id!.Value.ToString(), usage.EventType, usage.Library, usage.Tier,
                    usage.FilesChanged, usage.TokensUsed, usage.Metadata!.Value.GetRawText(), Month,
                    TimeProvider.System.GetUtcNow().Ticks / TimeSpan.TicksPerMicrosecond);
                Run(move, transaction, account, Month, usage.TokensUsed, usage.FilesChanged);
                transaction.Commit();
            }
            finally
            {
                turn.Release();
            }

            return TypedResults.Ok(new UsageRecorded("recorded"));
        });
        return app;
    }

    /// <summary>Binary COPY into a table with the ledger's indexes, ten thousand rows per request and commit.</summary>
    public static WebApplication BuildCopy(WebApplicationBuilder builder)
    {
        var source = LimitStore.Open(builder.Configuration);
        using (var table = source.CreateCommand("create table if not exists limit_events (like usage_events including all)"))
            table.ExecuteNonQuery();
        Guid[] accounts = [.. ReadAccounts(source).Values];
        var app = builder.Build();
        app.MapGet(Route, async (CancellationToken cancellationToken) =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var rows = await connection.BeginBinaryImportAsync(
                "copy limit_events (user_id, id, event_type, library, tier, files_changed, tokens_used, metadata, month, occurred_at,"
                    + " payload_digest) from stdin (format binary)",
                cancellationToken);
            var now = TimeProvider.System.GetUtcNow();
            var digest = new byte[32];
            for (var i = 0; i < RowsACopy; i++)
            {
                await rows.StartRowAsync(cancellationToken);
                await rows.WriteAsync(accounts[i % accounts.Length], cancellationToken);
                await rows.WriteAsync(Guid.CreateVersion7(now), cancellationToken);
                await rows.WriteAsync("migration", cancellationToken);
                await rows.WriteAsync("pydantic", cancellationToken);
                await rows.WriteAsync("tier2", cancellationToken);
                await rows.WriteAsync(3, cancellationToken);
                await rows.WriteAsync(1200, cancellationToken);
                await rows.WriteAsync("{\"model\":\"m\"}", NpgsqlDbType.Json, cancellationToken);
                await rows.WriteAsync(Month, cancellationToken);
                await rows.WriteAsync(now.UtcDateTime, NpgsqlDbType.TimestampTz, cancellationToken);
                await rows.WriteAsync(digest, cancellationToken);
            }

            await rows.CompleteAsync(cancellationToken);
            return TypedResults.Ok(new UsageRecorded("recorded"));
        });
        return app;
    }

    private static Dictionary<string, Guid> ReadAccounts(NpgsqlDataSource source)
    {
        using var command = source.CreateCommand("select key_prefix, user_id from api_keys");
        using var reader = command.ExecuteReader();
        var accounts = new Dictionary<string, Guid>();
        while (reader.Read())
            accounts[reader.GetString(0)] = reader.GetGuid(1);
        return accounts;
    }

    private static SqliteCommand Prepare(SqliteConnection connection, string text, int parameters)
    {
        var command = new SqliteCommand(text, connection);
        for (var i = 1; i <= parameters; i++)
            command.Parameters.Add(new SqliteParameter($"${i}", DBNull.Value));
        command.Prepare();
        return command;
    }

    private static void Run(SqliteCommand command, SqliteTransaction transaction, params object?[] values)
    {
        command.Transaction = transaction;
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        command.ExecuteNonQuery();
    }

    private static void Execute(SqliteConnection connection, string text)
    {
        using var command = new SqliteCommand(text, connection);
        command.ExecuteNonQuery();
    }
}
