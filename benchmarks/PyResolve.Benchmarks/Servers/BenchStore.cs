using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>A database on the durable PostgreSQL.</summary>
internal sealed record BenchStore(string ConnectionString)
{
    /// <summary>A server's settings for this database.</summary>
    public IReadOnlyDictionary<string, string?> Settings => TestStore.On(ConnectionString).Settings;
}
