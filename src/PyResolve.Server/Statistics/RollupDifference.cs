namespace PyResolve.Server.Statistics;

/// <summary>A value in a rollup that differs from what the events add up to.</summary>
/// <param name="Row">The day or the library; empty in the table that has one row a month.</param>
/// <param name="Was">0 where the rollup has no row.</param>
/// <param name="Is">The correct value.</param>
internal sealed record RollupDifference(string Table, Guid UserId, string Month, string Row, string Column, long Was, long Is);
