using System.Diagnostics;

namespace PyResolve.Benchmarks.Load;

/// <summary>When each request of one kind was answered, and how long that took.</summary>
internal sealed class Answers(long startedAt, long endedAt, IReadOnlyList<Answers.Recorder> recorders)
{
    public TimeSpan Elapsed { get; } = Stopwatch.GetElapsedTime(startedAt, endedAt);

    public int Count { get; } = recorders.Sum(recorder => recorder.Latencies.Count);

    public double PerSecond => Count / Elapsed.TotalSeconds;

    /// <summary>How many others were answered meanwhile, on other connections.</summary>
    public int Beside { get; private init; }

    /// <summary>These, and what ran beside them.</summary>
    public Answers With(Answers beside) => new(startedAt, endedAt, recorders) { Beside = beside.Count };

    public IEnumerable<double> Milliseconds =>
        recorders.SelectMany(recorder => recorder.Latencies).Select(ticks => ticks * 1000.0 / Stopwatch.Frequency);

    /// <summary>How many were answered in each slice of the time; what is left over at the end is left out.</summary>
    public int[] PerSlice(TimeSpan slice)
    {
        var ticks = (long)(slice.TotalSeconds * Stopwatch.Frequency);
        var counts = new int[Math.Max(1, (endedAt - startedAt) / ticks)];
        foreach (var at in recorders.SelectMany(recorder => recorder.AnsweredAt))
        {
            var index = (at - startedAt) / ticks;
            if (index < counts.Length)
                counts[index]++;
        }

        return counts;
    }

    /// <summary>One connection's own, so that connections share nothing while they measure. In <see cref="Stopwatch"/> ticks.</summary>
    internal sealed class Recorder
    {
        public List<long> AnsweredAt { get; } = new(256);

        public List<long> Latencies { get; } = new(256);

        public void Add(long sentAt, long answeredAt)
        {
            AnsweredAt.Add(answeredAt);
            Latencies.Add(answeredAt - sentAt);
        }
    }
}
