using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace PyResolve.Server.Storage;

/// <summary>PostgreSQL 15 or later, also behind a transaction pooler: no session state, locks only in transactions.</summary>
internal sealed class PostgresEngine : Engine
{
    /// <summary>An arbitrary number.</summary>
    private const long SchemaLock = 0x5079_5265_736F_6C76;

    private readonly NpgsqlDataSource _dataSource;

    public PostgresEngine(string connectionString)
    {
        _dataSource = new NpgsqlSlimDataSourceBuilder(connectionString).EnableTransportSecurity().EnableArrays().Build();
    }

    public override string Name => "postgres";

    public override SqlFragment ForUpdate => new("for update");

    public override SqlFragment ForUpdateSkippingLocked => new("for update skip locked");

    public override SqlFragment ByBytes => new("collate \"C\"");

    public override SqlFragment DateOf(string column) => new($"to_char({column} at time zone 'UTC', 'YYYY-MM-DD')");

    public override async ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) =>
        await _dataSource.OpenConnectionAsync(cancellationToken);

    public override async ValueTask<Writer> OpenWriterAsync(CancellationToken cancellationToken)
    {
        var connection = await _dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            return new Writer(connection, await connection.BeginTransactionAsync(cancellationToken), turn: null, ownsConnection: true);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public override void AddParameter(DbParameterCollection parameters, SqlParameter parameter) => parameters.Add(new NpgsqlParameter
    {
        NpgsqlDbType = parameter.IsArray ? TypeOf(parameter.Type) | NpgsqlDbType.Array : TypeOf(parameter.Type),
        Value = parameter.Value switch
        {
            null => DBNull.Value,
            DateTimeOffset instant => instant.UtcDateTime,
            var value => value,
        },
    });

    /// <summary>One array per column.</summary>
    public override void Append(Sql sql, SqlRows rows)
    {
        sql.AppendLiteral("unnest(");
        for (var i = 0; i < rows.Columns.Count; i++)
        {
            if (i > 0)
                sql.AppendLiteral(", ");
            sql.Append(new SqlParameter(rows.Columns[i].Type, rows.Columns[i].Values, IsArray: true));
        }

        sql.AppendLiteral($") as {rows.Name}({string.Join(", ", rows.Columns.Select(column => column.Name))})");
    }

    public override DateTimeOffset ReadInstant(DbDataReader reader, int column) => new(reader.GetDateTime(column), TimeSpan.Zero);

    public override Task LockAsync(Session session, long key, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"select pg_advisory_xact_lock({key})", cancellationToken);

    public override Task LockSchemaAsync(Session session, CancellationToken cancellationToken) =>
        LockAsync(session, SchemaLock, cancellationToken);

    public override async Task<bool> TableExistsAsync(Session session, string table, CancellationToken cancellationToken) =>
        await session.NumberAsync($"select 1::bigint where to_regclass({table}) is not null", cancellationToken) is not null;

    /// <summary>Error codes: https://www.postgresql.org/docs/current/errcodes-appendix.html.</summary>
    public override FailureKind Classify(DbException exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected } => FailureKind.Retry,
        PostgresException { SqlState: var state } when IsUnavailable(state) => FailureKind.Unavailable,
        // Data exceptions and broken constraints.
        PostgresException { SqlState: ['2', '2' or '3', ..] } => FailureKind.Refused,
        PostgresException => FailureKind.Bug,
        NpgsqlException => FailureKind.Unavailable,
        _ => FailureKind.Bug,
    };

    public override ValueTask DisposeAsync() => _dataSource.DisposeAsync();

    private static NpgsqlDbType TypeOf(SqlType type) => type switch
    {
        SqlType.Text => NpgsqlDbType.Text,
        SqlType.Integer => NpgsqlDbType.Bigint,
        SqlType.Boolean => NpgsqlDbType.Boolean,
        SqlType.Uuid => NpgsqlDbType.Uuid,
        SqlType.Instant => NpgsqlDbType.TimestampTz,
        SqlType.Bytes => NpgsqlDbType.Bytea,
        SqlType.Json => NpgsqlDbType.Jsonb,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>The connection failed, resources are short, or the server is starting, stopping or read-only.</summary>
    private static bool IsUnavailable(string state) =>
        state.StartsWith("08", StringComparison.Ordinal)
        || state.StartsWith("53", StringComparison.Ordinal)
        || state.StartsWith("57P", StringComparison.Ordinal)
        || state.StartsWith("58", StringComparison.Ordinal)
        || state is PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.LockNotAvailable
            or PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            or PostgresErrorCodes.InvalidCatalogName;
}
