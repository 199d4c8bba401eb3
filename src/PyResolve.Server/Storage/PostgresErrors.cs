using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>What errors and notices of PostgreSQL mean. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html.</summary>
internal static class PostgresErrors
{
    private const string IdleInTransactionTimeout = "25P03";
    private const string TransactionTimeout = "25P04";

    /// <summary>Says what is wrong, in a sentence that may be shown to anybody.</summary>
    /// <returns>null: no more than that the database does not answer.</returns>
    public static string? Explain(Exception exception) => exception switch
    {
        UnusableHostException => exception.Message,
        DatabaseCertificateException => DatabaseCertificateException.Reason,
        { InnerException: AggregateException several }
            when several.InnerExceptions.Select(Explain).FirstOrDefault(static text => text is not null) is { } told => told,
        PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => UnusableHostException.ReadOnly,
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => "The disk of the database is full.",
        PostgresException { SqlState: PostgresErrorCodes.TooManyConnections } =>
            "The database has no connection left. Lower pool_size in DATABASE_URL, or raise max_connections.",
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } =>
            "The role of DATABASE_URL lacks a right in the database. The command migrate-schema says which.",
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } =>
            "The database does not accept the user or password of DATABASE_URL.",
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } => "There is no database of the name in DATABASE_URL.",
        PostgresException { SqlState: PostgresErrorCodes.ProtocolViolation, MessageText: var text }
            when text.StartsWith("unsupported startup parameter", StringComparison.Ordinal) =>
            "The pooler takes no settings of a session. Leave options and statement_timeout out of DATABASE_URL, and set them for the "
            + "role: alter role … set statement_timeout = ….",
        _ when IsLostPreparedStatement(exception) =>
            "Prepared statements are lost between transactions, as behind a transaction pooler. Add pgbouncer=true to DATABASE_URL.",
        _ => null,
    };

    public static FailureKind Classify(Exception exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected } => FailureKind.Retry,
        _ when IsLostPreparedStatement(exception) => FailureKind.Unavailable,
        PostgresException { SqlState: var state } when IsUnavailable(state) => FailureKind.Unavailable,
        // Data exceptions and broken constraints.
        PostgresException { SqlState: ['2', '2' or '3', ..] } => FailureKind.Refused,
        PostgresException => FailureKind.Bug,
        NpgsqlException => FailureKind.Unavailable,
        _ => FailureKind.Bug,
    };

    /// <summary>
    /// Whether a server cannot tell its lineage. Services that keep their write-ahead log elsewhere do not have these functions, or not for
    /// every role.
    /// </summary>
    public static bool LacksLineage(string state) =>
        state is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.FeatureNotSupported;

    /// <summary>The connection failed, a time limit ended, resources are short, or the server is starting, stopping or read-only.</summary>
    private static bool IsUnavailable(string state) =>
        state.StartsWith("08", StringComparison.Ordinal)
        || state.StartsWith("53", StringComparison.Ordinal)
        || state.StartsWith("57P", StringComparison.Ordinal)
        || state.StartsWith("58", StringComparison.Ordinal)
        || state is IdleInTransactionTimeout or TransactionTimeout
        || state is PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.LockNotAvailable
            or PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            or PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.InsufficientPrivilege;

    /// <summary>
    /// Whether a prepared statement is lost. Behind a transaction pooler it may be missing, or be another session's; and after a first
    /// statement that failed while it was prepared, the driver can lose count of the messages.
    /// </summary>
    private static bool IsLostPreparedStatement(Exception exception) =>
        exception is PostgresException
        {
            SqlState: PostgresErrorCodes.DuplicatePreparedStatement or PostgresErrorCodes.InvalidSqlStatementName
        }
        || (exception.GetType() == typeof(Exception)
            && exception.Message.StartsWith("Received unexpected backend message", StringComparison.Ordinal));

    /// <summary>
    /// Whether a commit may be missing at its synchronous replica. Cancelling a commit that waits makes it succeed, with nothing but this
    /// warning.
    /// </summary>
    public static bool IsLostReplication(PostgresNotice notice) => notice.Routine is "SyncRepWaitForLSN";
}
