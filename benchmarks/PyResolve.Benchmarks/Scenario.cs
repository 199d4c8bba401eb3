using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Scenarios;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks;

/// <summary>A question, and the measurement that answers it.</summary>
/// <param name="Name">The name on the command line and of the section on the page.</param>
/// <param name="MeasureAsync">Measures, and returns the result.</param>
internal sealed record Scenario(string Name, Func<Bench, CancellationToken, Task<ScenarioResult>> MeasureAsync)
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("key-check", KeyCheck.MeasureAsync),
        new("flood", Flood.MeasureAsync),
        new("restart", Restart.MeasureAsync),
        new("usage", Usage.MeasureAsync),
        new("memory", Memory.MeasureAsync),
        new("quota", Quota.MeasureAsync),
        new("pages", Pages.MeasureAsync),
        new("backup", Backups.MeasureAsync),
        new("compare", Comparison.MeasureAsync) { NeedsBefore = true },
        new("upgrade", Upgrade.MeasureAsync) { Page = "upgrading.md" },
        new("citus", Distribution.MeasureAsync) { Page = "scaling.md", IsPossible = CitusCluster.IsInstalled },
    ];

    /// <summary>In the folder <c>docs</c>.</summary>
    public string Page { get; init; } = "performance.md";

    /// <summary>False: what it measures is not installed, and it runs only if it is named.</summary>
    public bool IsPossible { get; init; } = true;

    /// <summary>Without an earlier server there is nothing to compare with.</summary>
    public bool NeedsBefore { get; init; }
}
