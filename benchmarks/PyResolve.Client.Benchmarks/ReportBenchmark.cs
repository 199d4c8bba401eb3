using BenchmarkDotNet.Attributes;

namespace PyResolve.Client.Benchmarks;

/// <summary>Reports an event: serializes it and appends it to the outbox on disk, while the server does not answer.</summary>
[InvocationCount(8192)]
public class ReportBenchmark
{
    private readonly UsageEvent _event = new("scan") { Library = "pydantic", FilesChanged = 3 };
    private TemporaryHome _home = null!;
    private PyResolveClient _client = null!;

    [IterationSetup]
    public void Setup()
    {
        _home = new();
        _client = _home.Client(CannedServer.Silent(), options =>
        {
            options.OutboxCapacity = 1_000_000;
            options.RequestTimeout = TimeSpan.FromMinutes(10);
            options.ShutdownTimeout = TimeSpan.Zero;
        });
    }

    [Benchmark(Description = "`Report`")]
    public ReportResult Report() => _client.Usage.Report(_event);

    [IterationCleanup]
    public void Cleanup()
    {
        var last = _client.Usage.Report(_event);
        _client.Dispose();
        _home.Delete();
        if (!last.IsAccepted)
            throw new InvalidOperationException(last.Reason);
    }
}
