using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>A database on the durable PostgreSQL.</summary>
internal sealed record BenchStore(string ConnectionString)
{
    /// <summary>What a server must be told to use it.</summary>
    public IReadOnlyDictionary<string, string?> Settings => TestStore.On(ConnectionString).Settings;
}
