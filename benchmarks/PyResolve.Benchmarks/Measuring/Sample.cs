using PyResolve.Benchmarks.Load;

namespace PyResolve.Benchmarks.Measuring;

/// <summary>A short stretch of one arm: what was answered, and the CPU time that the server's process alone took for it.</summary>
internal sealed record Slice(Answers Answers, TimeSpan Cpu);

/// <summary>One round of one arm.</summary>
/// <param name="Requests">How many were answered.</param>
/// <param name="PerSecond">Requests a second.</param>
/// <param name="CpuMicroseconds">CPU time of the server's process alone, a request.</param>
/// <param name="MedianMilliseconds">The latency that half of the requests stayed below.</param>
/// <param name="TailMilliseconds">The latency that 99 of 100 stayed below.</param>
/// <param name="BesidePerSecond">Requests a second that ran beside these and are none of them.</param>
internal sealed record Sample(int Requests, double PerSecond, double CpuMicroseconds, double MedianMilliseconds, double TailMilliseconds, double BesidePerSecond)
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
