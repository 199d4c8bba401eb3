namespace PyResolve.TestKit;

/// <summary>What a server keeps its data in. Every storage behaviour has one test, which runs on both.</summary>
public enum StorageEngine
{
    Sqlite,
    Postgres,
}
