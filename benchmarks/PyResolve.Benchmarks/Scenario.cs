using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Scenarios;
using PyResolve.Benchmarks.Servers;

namespace PyResolve.Benchmarks;

/// <summary>A question, and what answers it.</summary>
/// <param name="Name">On the command line, and of its section in the page.</param>
/// <param name="MeasureAsync">Measures, and tells what came out.</param>
internal sealed record Scenario(string Name, Func<Bench, CancellationToken, Task<Findings>> MeasureAsync)
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("key-check", KeyCheck.MeasureAsync),
        new("flood", Flood.MeasureAsync),
        new("restart", Restart.MeasureAsync),
        new("usage", Usage.MeasureAsync),
        new("memory", Memory.MeasureAsync),
        new("quota", Quota.MeasureAsync),
    ];
}
