namespace PyResolve.Benchmarks.Measuring;

/// <summary>What is measured in turn with others.</summary>
/// <param name="Name">Of its row.</param>
/// <param name="MeasureAsync">Takes one sample of the length that it is given.</param>
internal sealed record Arm(string Name, Func<TimeSpan, CancellationToken, Task<Sample>> MeasureAsync);

/// <summary>
/// A machine's speed drifts, by a factor of several where it is shared. So each round measures every arm once, briefly, in one order and the
/// next round in the other, and arms are compared within rounds.
/// </summary>
internal sealed class PairedRounds(Effort effort, TextWriter progress)
{
    /// <summary>A server's code is compiled twice on its way to full speed: both happen before anything counts.</summary>
    private const int WarmUps = 2;

    public async Task<PairedSamples> RunAsync(IReadOnlyList<Arm> arms, CancellationToken cancellationToken)
    {
        for (var i = 0; i < WarmUps; i++)
        {
            foreach (var arm in arms)
                await arm.MeasureAsync(effort.Length, cancellationToken);
        }

        var samples = arms.ToDictionary(arm => arm, _ => new List<Sample>());
        for (var round = 0; round < effort.Rounds; round++)
        {
            foreach (var arm in round % 2 == 0 ? arms : arms.Reverse())
            {
                var sample = await arm.MeasureAsync(effort.Length, cancellationToken);
                samples[arm].Add(sample);
                await progress.WriteLineAsync(
                    $"  {round + 1}/{effort.Rounds} {arm.Name}: {sample.PerSecond:N0} requests/s, {sample.CpuMicroseconds:N1} µs CPU, {sample.MedianMilliseconds:N2} ms");
            }
        }

        return new PairedSamples(samples.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<Sample>)pair.Value));
    }
}

/// <summary>Each arm's samples, one a round.</summary>
internal sealed class PairedSamples(IReadOnlyDictionary<Arm, IReadOnlyList<Sample>> samples)
{
    public IReadOnlyList<Sample> this[Arm arm] => samples[arm];

    public Series Of(Arm arm, Func<Sample, double> figure) => new(samples[arm].Select(figure));

    /// <summary>How many times <paramref name="other"/>'s figure <paramref name="arm"/>'s is, round by round.</summary>
    public Series Ratio(Arm arm, Arm other, Func<Sample, double> figure) =>
        new(samples[arm].Zip(samples[other], (mine, theirs) => figure(mine) / figure(theirs)));
}
