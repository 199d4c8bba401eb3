namespace PyResolve.Benchmarks;

/// <summary>The amount of measuring.</summary>
/// <param name="Rounds">The number of measurements of each arm.</param>
/// <param name="Length">The length of one measurement.</param>
/// <param name="Connections">Keep-alive connections, each with one request at a time.</param>
/// <param name="Keys">Active keys in the database before a restart.</param>
/// <param name="Endurance">The time at full load during which memory is measured.</param>
/// <param name="Events">Usage events in the database before an upgrade.</param>
internal sealed record Effort(int Rounds, TimeSpan Length, int Connections, int Keys, TimeSpan Endurance, int Events);
