using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Measuring;

/// <summary>One of several measurements that take turns.</summary>
/// <param name="Name">The name of its row.</param>
/// <param name="Server">The process whose CPU time counts.</param>
/// <param name="SendAsync">Sends load for a given time.</param>
internal sealed record Arm(string Name, ServerProcess Server, Func<TimeSpan, CancellationToken, Task<Answers>> SendAsync);

/// <summary>
/// The speed of a shared machine drifts by a factor of several. Therefore the arms of a round take turns, in one order and then in the
/// other, and are compared within rounds. Each arm is first, last and between others equally often: what one leaves the machine to do slows
/// the next.
/// </summary>
internal sealed class PairedRounds(Effort effort, TextWriter progress)
{
    /// <summary>A server's code is compiled twice before it has its full speed: this much load comes before the measurement.</summary>
    private const int WarmUps = 3;

    private static readonly TimeSpan ShortTurn = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// For arms whose answers take tens or hundreds of milliseconds: at the start and the end of a turn fewer requests are in flight than
    /// should be
    /// measured, and that must be short compared with the turn.
    /// </summary>
    public static readonly TimeSpan LongTurn = TimeSpan.FromSeconds(1);

    /// <param name="arms">At least one.</param>
    /// <param name="cancellationToken">Cancels the measurement.</param>
    /// <param name="turn">Default: a tenth of a second.</param>
    public async Task<PairedSamples> RunAsync(IReadOnlyList<Arm> arms, CancellationToken cancellationToken, TimeSpan? turn = null)
    {
        var turns = Math.Max(1, (int)(effort.Length / (turn ?? ShortTurn)));
        for (var i = 0; i < WarmUps; i++)
        {
            foreach (var arm in arms)
                await arm.SendAsync(effort.Length, cancellationToken);
        }

        var samples = arms.ToDictionary(arm => arm, _ => new List<Sample>());
        for (var round = 0; round < effort.Rounds; round++)
        {
            await progress.WriteLineAsync($"  round {round + 1} of {effort.Rounds}");
            foreach (var (arm, slices) in await TakeTurnsAsync(arms, round, turns, cancellationToken))
            {
                var sample = Sample.Of(slices);
                samples[arm].Add(sample);
                await progress.WriteAsync($"    {arm.Name}: {sample.PerSecond:N0} requests/s, ");
                await progress.WriteLineAsync($"{sample.CpuMicroseconds:N1} µs CPU, {sample.MedianMilliseconds:N2} ms");
            }
        }

        return new PairedSamples(samples);
    }

    private async Task<Dictionary<Arm, List<Slice>>> TakeTurnsAsync(
        IReadOnlyList<Arm> arms, int round, int turns, CancellationToken cancellationToken)
    {
        var slices = arms.ToDictionary(arm => arm, _ => new List<Slice>());
        for (var turn = 0; turn < turns; turn++)
        {
            foreach (var arm in InOrder(arms, (round * turns) + turn))
            {
                var before = arm.Server.CpuTime();
                var answers = await arm.SendAsync(effort.Length / turns, cancellationToken);
                slices[arm].Add(new Slice(answers, arm.Server.CpuTime() - before));
            }
        }

        return slices;
    }

    private static IEnumerable<Arm> InOrder(IReadOnlyList<Arm> arms, int turn)
    {
        var first = turn / 2 % arms.Count;
        var order = arms.Skip(first).Concat(arms.Take(first));
        return turn % 2 == 0 ? order : order.Reverse();
    }
}

/// <summary>The samples of each arm, one per round.</summary>
internal sealed class PairedSamples(IReadOnlyDictionary<Arm, List<Sample>> samples)
{
    public IReadOnlyList<Sample> this[Arm arm] => samples[arm];

    public Series Of(Arm arm, Func<Sample, double> figure) => new(samples[arm].Select(figure));

    /// <summary>The figure of <paramref name="arm"/> divided by that of <paramref name="other"/>, for each round.</summary>
    public Series Ratio(Arm arm, Arm other, Func<Sample, double> figure) =>
        new(samples[arm].Zip(samples[other], (mine, theirs) => figure(mine) / figure(theirs)));

    /// <summary>
    /// The figure of <paramref name="arm"/> minus that of <paramref name="without"/>, divided by that of <paramref name="whole"/>, for each
    /// round.
    /// </summary>
    public Series Ratio(Arm arm, Arm without, Arm whole, Func<Sample, double> figure) =>
        new(samples[arm].Zip(samples[without], samples[whole]).Select(
            round => (figure(round.First) - figure(round.Second)) / figure(round.Third)));
}
