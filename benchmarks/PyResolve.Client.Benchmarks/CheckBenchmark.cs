using BenchmarkDotNet.Attributes;

namespace PyResolve.Client.Benchmarks;

/// <summary>A quota check that is answered from the cache, as in a shell prompt or an editor.</summary>
public class CheckBenchmark
{
    private readonly TemporaryHome _home = new();
    private PyResolveClient _client = null!;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _client = _home.Client(
            CannedServer.Answering(CannedServer.Quota), options => options.QuotaCacheDuration = TimeSpan.FromMinutes(10));
        await _client.Quota.CheckAsync();
    }

    [Benchmark(Description = "`CheckAsync` from a warm entry")]
    public Task<QuotaCheck> CheckAsync() => _client.Quota.CheckAsync(MigrationTier.Tier2);

    [GlobalCleanup]
    public void Cleanup()
    {
        _client.Dispose();
        _home.Delete();
    }
}
