namespace PyResolve.Server.Statistics;

/// <summary>
/// A difference between a rollup and the ledger. <c>Row</c> is the day or the library, empty in the monthly table; <c>Was</c> is 0 where
/// the rollup has no row.
/// </summary>
internal sealed record RollupDifference(string Table, Guid UserId, string Month, string Row, string Column, long Was, long Is);
