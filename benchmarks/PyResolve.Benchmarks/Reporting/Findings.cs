using PyResolve.Benchmarks.Measuring;

namespace PyResolve.Benchmarks.Reporting;

/// <summary>What a scenario found.</summary>
internal sealed record Findings(IReadOnlyList<Table> Tables, IReadOnlyList<Goal> Goals);

/// <param name="Columns">The first is left-aligned, the others are figures.</param>
/// <param name="Rows">As many cells as there are columns.</param>
internal sealed record Table(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>What was promised, and what was measured.</summary>
internal sealed record Goal(string Promise, string Measured, bool IsMet)
{
    /// <summary>That a ratio reaches <paramref name="least"/> in the median.</summary>
    public static Goal AtLeast(double least, Series ratio, string promise) => new(promise, $"{ratio.Format("0.00")} times", ratio.Median >= least);
}
