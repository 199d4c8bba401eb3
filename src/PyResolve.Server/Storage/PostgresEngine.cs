using System.Data.Common;
using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;

namespace PyResolve.Server.Storage;

/// <summary>PostgreSQL 15 or later, also behind a transaction pooler: no session state, locks only in transactions.</summary>
internal class PostgresEngine : Engine
{
    /// <summary>The key of the lock on the schema, an arbitrary number.</summary>
    private const long SchemaLock = 0x5079_5265_736F_6C76;

    // A restored or another database, and another server, has another text.
    private static readonly SqlFragment IdentityColumns = new(
        """
        clock_timestamp(), current_setting('transaction_read_only') = 'on',
        concat_ws(' ', pg_postmaster_start_time()::text, inet_server_port()::text, current_database(),
                  (select oid from pg_database where datname = current_database())::text, to_regclass('key_epoch')::oid::text)
        """);

    private static readonly SqlFragment SystemIdentifier = new(FormerPrimaries.SystemIdentifier);
    private static readonly SqlFragment Timeline = new(FormerPrimaries.Timeline);

    /// <summary>A statement that reaches its own limit says more.</summary>
    private static readonly TimeSpan AfterStatement = TimeSpan.FromSeconds(1);

    private readonly PostgresHosts _hosts;
    private readonly ConnectionQueue _connections;
    private readonly FormerPrimaries _formerPrimaries = new();

    // Until the server asks for a clock: this one is not used.
    private readonly StrongBox<DatabaseClock> _clock = new(new DatabaseClock(TimeProvider.System));

    /// <exception cref="FormatException">A certificate cannot be used.</exception>
    public PostgresEngine(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        DatabaseCertificates.Check(settings);
        _connections = new ConnectionQueue(settings.MaxPoolSize, TimeSpan.FromSeconds(settings.Timeout > 0 ? settings.Timeout : 60));
        _hosts = new PostgresHosts(connectionString, InitializeAsync);
        WriteTimeout = settings.CommandTimeout > 0 ? TimeSpan.FromSeconds(settings.CommandTimeout) + AfterStatement : null;
    }

    /// <summary>Makes another engine that shares the connections of <paramref name="other"/>.</summary>
    protected PostgresEngine(PostgresEngine other)
    {
        (_hosts, _connections, _formerPrimaries, _clock) = (other._hosts, other._connections, other._formerPrimaries, other._clock);
        WriteTimeout = other.WriteTimeout;
    }

    public override string Name => "postgres";

    public override TimeSpan? WriteTimeout { get; }

    public override SqlFragment ForUpdate => new("for update");

    public override SqlFragment ForUpdateSkippingLocked => new("for update skip locked");

    public override SqlFragment ByBytes => new("collate \"C\"");

    public override SqlFragment DateOf(string column) => new($"to_char({column} at time zone 'UTC', 'YYYY-MM-DD')");

    public override SqlFragment IdOf(string text) => new($"cast({text} as uuid)");

    /// <summary>Writes a record to the write-ahead log: the commit waits until the replica has it, and so everything before it.</summary>
    public override Sql? WaitForReplicas => $"select pg_logical_emit_message(true, 'pyresolve', '')";

    public override TimeProvider CreateClock(TimeProvider machine) => _clock.Value = new DatabaseClock(machine);

    public override async Task<Engine> FindVariantAsync(CancellationToken cancellationToken)
    {
        await using var reader = await OpenReaderAsync(node: null, cancellationToken);
        var session = new Session(this, reader.Connection, transaction: null);
        if (await CitusEngine.CountNodesAsync(session, cancellationToken) is not { } nodes)
            return this;
        if (nodes > 1)
            _connections.ShareBetweenNodes();
        return new CitusEngine(this) { Observer = Observer };
    }

    public override async ValueTask<Reader> OpenReaderAsync(long? node, CancellationToken cancellationToken)
    {
        var (opened, place) = await _connections.OpenAsync(_hosts.ConnectAsync, toWrite: false, node, cancellationToken);
        return new Reader(opened.Connection, place, opened.Abandoned);
    }

    public override async ValueTask<Writer> OpenWriterAsync(long? node, CancellationToken cancellationToken)
    {
        var (opened, place) = await _connections.OpenAsync(_hosts.ConnectAsync, toWrite: true, node, cancellationToken);
        var connection = opened.Connection;
        try
        {
            var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var writer = new Writer(connection, transaction, place, ownsConnection: true) { Abandoned = opened.Abandoned };
            connection.Notice += (_, notice) => writer.CommitIsUncertain |= PostgresErrors.IsLostReplication(notice.Notice);
            return writer;
        }
        catch
        {
            await connection.DisposeAsync();
            place.Dispose();
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

    /// <summary>Writes the rows as one array for each column.</summary>
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

    /// <summary>
    /// Lifts the limits of the role and those of DATABASE_URL: Supabase gives every role two minutes. Older versions lack one of them.
    /// </summary>
    public override Task LiftTimeLimitsAsync(Session session, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        select set_config(name, '0', true)
        from pg_settings
        where name in ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
        """,
        cancellationToken);

    public override async Task<bool> TryLockSchemaAsync(Session session, CancellationToken cancellationToken)
    {
        await PostgresChecks.CheckProductAsync(session, cancellationToken);
        return await session.NumberAsync($"select 1::bigint where pg_try_advisory_xact_lock({SchemaLock})", cancellationToken) is not null;
    }

    /// <summary>
    /// Locks the tables. Servers that run have transactions that hold one of them and wait for another. So this fails, and gives all of
    /// them back, in half the time that PostgreSQL takes to look for a deadlock and to end one of those transactions.
    /// </summary>
    public override async Task LockTablesAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        if (tables.Count == 0)
            return;
        await CitusSchema.ChangeOneByOneAsync(session, cancellationToken);
        var limit = await session.FirstAsync($"select current_setting('lock_timeout')", static row => row.Text(0), cancellationToken);
        await session.ExecuteAsync(
            $"""
            select set_config('lock_timeout', cast(greatest(1, milliseconds / {2 * tables.Count}) as text), true)
            from (select cast(1000 * extract(epoch from cast(current_setting('deadlock_timeout') as interval)) as bigint)) d (milliseconds)
            """,
            cancellationToken);
        await session.ExecuteScriptAsync($"lock table {string.Join(", ", tables)}", cancellationToken);
        await session.ExecuteAsync($"select set_config('lock_timeout', {limit}, true)", cancellationToken);
    }

    public override bool IsLockedElsewhere(Exception? exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable };

    public override async Task<bool> TableExistsAsync(Session session, string table, CancellationToken cancellationToken) =>
        (await FindRelationsAsync(session, [table], cancellationToken)).Count > 0;

    public override Task<List<string>> FindRelationsAsync(
        Session session, IReadOnlyList<string> names, CancellationToken cancellationToken) => session.ListAsync(
        $"""
        select quote_ident(s.nspname) || '.' || quote_ident(c.relname)
        from {session.Rows("n", names).With("name", static name => name)}
        join pg_class c on c.relname = n.name
        join pg_namespace s on s.oid = c.relnamespace and s.nspname = current_schema()
        order by 1
        """,
        static row => row.Text(0),
        cancellationToken);

    public override bool LacksColumn(Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.UndefinedColumn };

    public override (SqlFragment Columns, Func<Row, int, string> Read) Identify()
    {
        var askedAt = _clock.Value!.GetTimestamp();
        return (IdentityColumns, (row, column) =>
        {
            if (row.Boolean(column + 1))
                throw new UnusableHostException(UnusableHostException.ReadOnly);
            _clock.Value!.Set(row.Instant(column), askedAt, _clock.Value!.GetTimestamp());
            return row.Text(column + 2);
        });
    }

    public override async Task<string?> ReadLineageAsync(Session session, CancellationToken cancellationToken)
    {
        try
        {
            return await session.FirstAsync(
                $"""
                select case when not pg_is_in_recovery() then
                    concat_ws(' ', {SystemIdentifier}, {Timeline},
                              (select oid from pg_database where datname = current_database())::text,
                              to_regclass('key_epoch')::oid::text)
                end
                """,
                static row => row.TextOrNull(0) ?? "",
                cancellationToken);
        }
        catch (PostgresException exception) when (PostgresErrors.LacksLineage(exception.SqlState))
        {
            return null;
        }
    }

    public override Task CheckAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        PostgresChecks.RunAsync(session, tables, cancellationToken);

    public override Task FollowAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        CitusSchema.FollowAsync(session, tables, cancellationToken);

    public override async Task ProtectAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        await PostgresRoles.ProtectAsync(session, tables, cancellationToken);
        await SupabaseMode.ApplyAsync(session, cancellationToken);
    }

    public override bool MayAnswerLater(StoreUnavailableException exception) => exception.InnerException is not (
        DatabaseCertificateException
        or PostgresException
        {
            SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
                or PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.InsufficientPrivilege,
        });

    public override string? LacksRight(Exception? exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } refused ? refused.MessageText : null;

    public override void AfterFailure(Exception exception)
    {
        // The pooled connections lead to a server that does not accept writes any longer: the next ones are opened anew.
        if (exception is PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction }
            or UnusableHostException)
            _hosts.Clear();
        else if (exception is TimeoutException or OperationCanceledException or (NpgsqlException and not PostgresException))
            _hosts.Suspect();
    }

    public override string Explain(Exception exception) => PostgresErrors.Explain(exception) ?? base.Explain(exception);

    public override FailureKind Classify(Exception exception) => PostgresErrors.Classify(exception);

    public override ValueTask DisposeAsync() => _hosts.DisposeAsync();

    private static NpgsqlDbType TypeOf(SqlType type) => type switch
    {
        SqlType.Text => NpgsqlDbType.Text,
        SqlType.Integer => NpgsqlDbType.Bigint,
        SqlType.Boolean => NpgsqlDbType.Boolean,
        SqlType.Uuid => NpgsqlDbType.Uuid,
        SqlType.Instant => NpgsqlDbType.TimestampTz,
        SqlType.Bytes => NpgsqlDbType.Bytea,
        SqlType.Json => NpgsqlDbType.Json,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Checks each connection that is made, before it is used.</summary>
    private async Task InitializeAsync(NpgsqlConnection connection)
    {
        var askedAt = _clock.Value!.GetTimestamp();
        // The warning about a commit without its replica must arrive, also where a role hides warnings.
        await using var command = new NpgsqlCommand(
            """
            select clock_timestamp(), current_setting('transaction_read_only') = 'on',
                   case when current_setting('client_min_messages') = 'error' then set_config('client_min_messages', 'warning', false) end
            """,
            connection);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        var answeredAt = _clock.Value!.GetTimestamp();
        var instant = ReadInstant(reader, 0);
        if (reader.GetBoolean(1))
            throw new UnusableHostException(UnusableHostException.ReadOnly);
        await reader.DisposeAsync();
        if (await _formerPrimaries.CheckAsync(connection))
            _hosts.Clear();
        // Not of a standby, nor of a former primary: their clocks are not the store's.
        _clock.Value!.Set(instant, askedAt, answeredAt);
    }
}
