namespace PyResolve.TestKit;

/// <summary>The database that a server uses. Every storage behaviour has one test, which runs on both.</summary>
public enum StorageEngine
{
    Sqlite,
    Postgres,

    /// <summary>
    /// PostgreSQL, to which the server speaks as to Citus: each statement about the ledger names one account, or has a reason not to.
    /// Where <c>PYRESOLVE_TEST_CITUS</c> names a coordinator, a real Citus.
    /// </summary>
    Citus,
}

public static class StorageEngines
{
    /// <summary>Those that a server stores in: Citus is PostgreSQL, with other statements about the ledgers.</summary>
    public static IReadOnlyList<StorageEngine> Both { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];
}
