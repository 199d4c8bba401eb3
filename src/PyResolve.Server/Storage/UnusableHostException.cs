using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>A host of the database answers, but must not be used.</summary>
/// <param name="message">May be shown to anybody.</param>
internal sealed class UnusableHostException(string message) : NpgsqlException(message)
{
    public const string ReadOnly = "The database is read-only: it is a standby, or default_transaction_read_only is on there.";

    public const string FormerPrimary = "A former primary of the database answers: another server was promoted in its place. "
        + "Stop it, or make it a standby. If it was restored on purpose, restart this server.";
}
