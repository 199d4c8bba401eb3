using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>What errors and notices of PostgreSQL mean. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html.</summary>
internal static class PostgresErrors
{
    /// <summary>
    /// Whether a server cannot tell its lineage. Services that keep their write-ahead log elsewhere do not have these functions, or not for
    /// every role.
    /// </summary>
    public static bool LacksLineage(string state) =>
        state is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.FeatureNotSupported;

    /// <summary>Whether the connection failed, resources are short, or the server is starting, stopping or read-only.</summary>
    public static bool IsUnavailable(string state) =>
        state.StartsWith("08", StringComparison.Ordinal)
        || state.StartsWith("53", StringComparison.Ordinal)
        || state.StartsWith("57P", StringComparison.Ordinal)
        || state.StartsWith("58", StringComparison.Ordinal)
        || state is PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.LockNotAvailable
            or PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            or PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.InsufficientPrivilege;

    /// <summary>
    /// Whether a prepared statement is lost. Behind a transaction pooler it may be missing, or be another session's; and after a first
    /// statement that failed while it was prepared, the driver can lose count of the messages.
    /// </summary>
    public static bool IsLostPreparedStatement(Exception exception) =>
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
