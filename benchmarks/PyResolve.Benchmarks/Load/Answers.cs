using System.Diagnostics;

namespace PyResolve.Benchmarks.Load;

/// <summary>When each request of one kind was answered, and how long that took. Times are <see cref="Stopwatch"/> timestamps.</summary>
internal sealed class Answers(long startedAt, long endedAt, long[] answeredAt, long[] latencies)
{
    public int Count => answeredAt.Length;

    public double PerSecond => Count / Stopwatch.GetElapsedTime(startedAt, endedAt).TotalSeconds;

    public double MedianMilliseconds => Milliseconds(0.5);

    public double TailMilliseconds => Milliseconds(0.99);

    public static Answers Of(long startedAt, long endedAt, IEnumerable<Recorder> recorders)
    {
        var all = recorders.ToList();
        long[] latencies = [.. all.SelectMany(recorder => recorder.Latencies)];
        Array.Sort(latencies);
        return new Answers(startedAt, endedAt, [.. all.SelectMany(recorder => recorder.AnsweredAt)], latencies);
    }

    /// <summary>How many were answered in each slice of the time; what is left over at the end is left out.</summary>
    public int[] PerSlice(TimeSpan slice)
    {
        var ticks = (long)(slice.TotalSeconds * Stopwatch.Frequency);
        var counts = new int[Math.Max(1, (endedAt - startedAt) / ticks)];
        foreach (var at in answeredAt)
        {
            var index = (at - startedAt) / ticks;
            if (index < counts.Length)
                counts[index]++;
        }

        return counts;
    }

    private double Milliseconds(double share) =>
        Count == 0 ? double.NaN : latencies[(int)((Count - 1) * share)] * 1000.0 / Stopwatch.Frequency;

    /// <summary>One connection's own, so that connections share nothing while they measure.</summary>
    internal sealed class Recorder
    {
        public List<long> AnsweredAt { get; } = new(4096);

        public List<long> Latencies { get; } = new(4096);

        public void Add(long sentAt, long answeredAt)
        {
            AnsweredAt.Add(answeredAt);
            Latencies.Add(answeredAt - sentAt);
        }
    }
}
