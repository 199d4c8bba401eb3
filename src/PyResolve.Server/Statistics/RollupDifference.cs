namespace PyResolve.Server.Statistics;

/// <summary>A rollup's value that is not what the events add up to.</summary>
/// <param name="Table">The rollup.</param>
/// <param name="UserId">The account.</param>
/// <param name="Month">The month that the events count in.</param>
/// <param name="Row">The day or the library within the month; empty where there is one row a month.</param>
/// <param name="Column">What differs.</param>
/// <param name="Was">What the rollup said; 0 where it has no row.</param>
/// <param name="Is">What it should say.</param>
internal sealed record RollupDifference(string Table, Guid UserId, string Month, string Row, string Column, long Was, long Is);
