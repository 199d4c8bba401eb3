namespace PyResolve.TestKit;

/// <summary>The database that a server uses. Every storage behaviour has one test, which runs on both.</summary>
public enum StorageEngine
{
    Sqlite,
    Postgres,
}
