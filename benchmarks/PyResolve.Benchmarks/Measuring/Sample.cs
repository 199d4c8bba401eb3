using PyResolve.Benchmarks.Load;

namespace PyResolve.Benchmarks.Measuring;

/// <summary>One turn of an arm: the answers, and the CPU time of the server's process.</summary>
internal sealed record Slice(Answers Answers, TimeSpan Cpu);

/// <summary>One round of an arm.</summary>
/// <param name="Requests">The number of answers.</param>
/// <param name="PerSecond">Requests per second.</param>
/// <param name="CpuMicroseconds">CPU time of the server's process per request.</param>
/// <param name="MedianMilliseconds">The median latency.</param>
/// <param name="TailMilliseconds">The 99th percentile of the latency.</param>
/// <param name="BesidePerSecond">Requests per second of another kind that ran at the same time.</param>
internal sealed record Sample(
    int Requests, double PerSecond, double CpuMicroseconds, double MedianMilliseconds, double TailMilliseconds, double BesidePerSecond)
{
    public static Sample Of(IReadOnlyList<Slice> slices)
    {
        var requests = slices.Sum(slice => slice.Answers.Count);
        var seconds = slices.Sum(slice => slice.Answers.Elapsed.TotalSeconds);
        double[] latencies = [.. slices.SelectMany(slice => slice.Answers.Milliseconds)];
        Array.Sort(latencies);
        return new Sample(
            requests,
            requests / seconds,
            slices.Sum(slice => slice.Cpu.TotalMicroseconds) / requests,
            latencies[(int)((requests - 1) * 0.5)],
            latencies[(int)((requests - 1) * 0.99)],
            slices.Sum(slice => slice.Answers.Beside) / seconds);
    }
}
