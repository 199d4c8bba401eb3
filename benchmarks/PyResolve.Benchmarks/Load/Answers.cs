using System.Diagnostics;

namespace PyResolve.Benchmarks.Load;

/// <summary>The times of the answers to one kind of request, and their latencies.</summary>
internal sealed class Answers(long startedAt, long endedAt, IReadOnlyList<Answers.Recorder> recorders)
{
    public TimeSpan Elapsed { get; } = Stopwatch.GetElapsedTime(startedAt, endedAt);

    public int Count { get; } = recorders.Sum(recorder => recorder.Latencies.Count);

    public double PerSecond => Count / Elapsed.TotalSeconds;

    /// <summary>The number of other answers during this time, on other connections.</summary>
    public int Beside { get; private init; }

    /// <summary>These answers, with the number of those beside them.</summary>
    public Answers With(Answers beside) => new(startedAt, endedAt, recorders) { Beside = beside.Count };

    public IEnumerable<double> Milliseconds =>
        recorders.SelectMany(recorder => recorder.Latencies).Select(ticks => ticks * 1000.0 / Stopwatch.Frequency);

    /// <summary>The number of answers in each slice of the time, without an incomplete slice at the end.</summary>
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

    /// <summary>
    /// The answers on one connection, so that connections share nothing while they measure. In <see cref="Stopwatch"/> ticks.
    /// </summary>
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
