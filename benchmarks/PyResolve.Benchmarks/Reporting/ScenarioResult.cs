using PyResolve.Benchmarks.Measuring;

namespace PyResolve.Benchmarks.Reporting;

/// <summary>The result of a scenario.</summary>
internal sealed record ScenarioResult(IReadOnlyList<Table> Tables, IReadOnlyList<Goal> Goals);

/// <param name="Columns">The first one is left-aligned, the others are numbers.</param>
/// <param name="Rows">With as many cells as there are columns.</param>
internal sealed record Table(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>A goal, and the measured result.</summary>
internal sealed record Goal(string Promise, string Measured, bool IsMet)
{
    /// <summary>The median of a ratio is at least <paramref name="least"/>.</summary>
    public static Goal AtLeast(double least, Series ratio, string promise) =>
        new(promise, $"{ratio.Format("0.00")} times", ratio.Median >= least);
}
