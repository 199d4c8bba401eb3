namespace PyResolve.Benchmarks;

/// <summary>How much is done.</summary>
/// <param name="Rounds">How often each arm is measured.</param>
/// <param name="Length">How long one measurement takes.</param>
/// <param name="Connections">Keep-alive connections, each with one request under way.</param>
/// <param name="Keys">Live keys in the store before a restart.</param>
/// <param name="Endurance">How long a server is kept at full load while its memory is watched.</param>
internal sealed record Effort(int Rounds, TimeSpan Length, int Connections, int Keys, TimeSpan Endurance);
