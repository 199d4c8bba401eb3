namespace PyResolve.TestKit;

/// <summary>The database that a server uses. Every storage behaviour has one test, which runs on both.</summary>
public enum StorageEngine
{
    Sqlite,
    Postgres,

    /// <summary>
    /// PostgreSQL, to which the server speaks as to Citus: each statement about the ledger names one account, or has a reason not to.
    /// </summary>
    Citus,
}
