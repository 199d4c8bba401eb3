using System.Diagnostics;
using System.Globalization;
using PyResolve.Server.Tests.Quota;
using PyResolve.Server.Tests.Usage;

namespace PyResolve.Server.Tests.Failover;

/// <summary>
/// Two servers that know both PostgreSQL servers of a pair: each time the primary is killed under load and its standby promoted, nothing
/// that was acknowledged is lost or counted twice, and the servers go on by themselves.
/// </summary>
[Trait("Category", "Proof")]
public sealed class FailoverProof
{
    private const string Suite = "Failover of PostgreSQL";

    private static readonly int Kills = Scale.Pick(2, 20);

    // A busy machine may need longer than what is documented.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(Scale.Pick(6, 2));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_acknowledged_is_lost_or_doubled_when_the_primary_is_killed_under_load()
    {
        await using var pair = await ReplicatedPair.StartAsync(isSynchronous: true, Cancellation);
        await using var first = await ServerProcess.StartAsync(pair.Environment, Cancellation);
        await using var second = await ServerProcess.StartAsync(pair.Environment, Cancellation);
        await using var load = await PairLoad.StartAsync(pair.OnPrimary, first.Http, second.Http);
        var processes = (first.ProcessId, second.ProcessId);
        var (longest, alone, random) = (TimeSpan.Zero, 0, new Random(20_261_130));

        for (var kill = 0; kill < Kills; kill++)
        {
            await load.PassesAsync(random.Next(100, 400), Cancellation);
            // Half of the time the standby is gone before the primary: then nothing can be acknowledged.
            if (kill % 2 == 1)
            {
                await pair.Standby.KillAsync();
                // Longer than the time limit of a statement, every other time.
                await Task.Delay(TimeSpan.FromSeconds(kill % 4 == 3 ? 17 : 1), Cancellation);
                alone++;
            }

            var beyond = await FailOverAsync(pair, load);
            longest = beyond > longest ? beyond : longest;
            var refusals = load.Refusals;
            await pair.RejoinAsync(Cancellation);
            await load.PassesAsync(50, Cancellation);
            // A busy machine may be late for one.
            load.Refusals.ShouldBeInRange(refusals, refusals + Scale.Pick(3, 0), "The old primary's return was noticed.");
        }

        await load.StopAsync();
        await load.CheckAsync(pair.OnPrimary);
        (first.ProcessId, second.ProcessId).ShouldBe(processes);
        longest.ShouldBeLessThan(Bound);
        Proofs.Report(Suite, string.Create(
            CultureInfo.InvariantCulture,
            $"The primary killed {Kills} times under load with synchronous replication, {alone} of them after its standby: "
            + $"{load.Events:N0} events and {load.Reservations:N0} reservations acknowledged, none lost, none twice; served again by both "
            + $"servers {longest.TotalSeconds:0.0} s after the promotion at most; no restart, no 500; the old primary came back as the "
            + $"standby each time, without an effect."));
    }

    /// <returns>How long after the promotion both servers served again.</returns>
    private static async Task<TimeSpan> FailOverAsync(ReplicatedPair pair, PairLoad load)
    {
        await pair.Primary.KillAsync();
        var killedAt = Stopwatch.GetTimestamp();
        // A standby that was gone starts without its primary.
        if (!pair.Standby.IsRunning)
            await pair.Standby.RestartAsync(Cancellation);
        await pair.PromoteAsync();
        var promoted = Stopwatch.GetElapsedTime(killedAt);
        return await load.ServesAsync(killedAt, Cancellation) - promoted;
    }
}
