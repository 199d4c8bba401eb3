using System.Reflection;
using System.Runtime.Versioning;
using PyResolve.TestKit;

namespace PyResolve.Client.Tests.Usage;

/// <summary>Processes that report events are killed at random moments: each accepted event arrives once.</summary>
[Trait("Category", "Proof")]
public sealed class OutboxCrashProof
{
    private static readonly string Suite = $"Usage events that survive the process ({Target})";

    private static string? Target => typeof(PyResolveClient).Assembly.GetCustomAttribute<TargetFrameworkAttribute>()?.FrameworkName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Accepted_events_arrive_once_whenever_processes_die_and_however_the_server_answers(int processes)
    {
        var kills = Scale.Pick(8, 200) / processes;
        var (server, ledger) = await Ledger.StartAsync(new Unreliable(seed: 20_26 + processes));
        await using var _ = server;

        var lives = await Task.WhenAll(Enumerable.Range(1, processes).Select(seed => ReportAndDieAsync(server, kills, new Random(seed))));
        var accepted = lives.SelectMany(life => life.Accepted).ToHashSet();
        var killed = lives.Sum(life => life.Killed);
        await DrainAsync(server);

        accepted.Except(ledger.InOrder).ShouldBeEmpty("accepted, and not on the server");
        // A report that had not returned when its process died may have been stored or not: at most one per kill.
        var unannounced = ledger.InOrder.Except(accepted).Count();
        unannounced.ShouldBeLessThanOrEqualTo(killed);
        killed.ShouldBePositive("who ended before the kill proves nothing");
        (ledger.Contradictions, server.Home.RejectedFiles().Count, server.Home.OutboxFiles().Count).ShouldBe((0, 0, 0));
        Proofs.Report(
            Suite,
            $"{processes} process(es) on one outbox, {killed} kills by SIGKILL, a server that answers late, twice or not at all: "
            + $"{accepted.Count} events accepted, {accepted.Intersect(ledger.InOrder).Count()} of them on the server once, "
            + $"{unannounced} whose report was interrupted.");
    }

    /// <summary>Reports events in processes that are killed, and in a last one that is not.</summary>
    private static async Task<(List<Guid> Accepted, int Killed)> ReportAndDieAsync(ScriptedServer server, int kills, Random random)
    {
        var events = Scale.Pick(2_000, 10_000);
        var accepted = new List<Guid>();
        var killed = 0;
        for (var kill = 0; kill < kills; kill++)
        {
            var left = events - accepted.Count;
            var life = await ReportingProcess.RunAsync(server, left, killAfter: random.Next(2 * left / (kills - kill + 1)), Cancellation);
            accepted.AddRange(life.Accepted);
            killed += life.WasKilled ? 1 : 0;
        }

        accepted.AddRange((await ReportingProcess.RunAsync(server, events - accepted.Count, killAfter: null, Cancellation)).Accepted);
        return (accepted, killed);
    }

    private static async Task DrainAsync(ScriptedServer server)
    {
        await using var client = server.Client(options => options.RequestTimeout = TimeSpan.FromMilliseconds(200));
        for (var failures = 0; ; failures++)
        {
            try
            {
                await client.Usage.FlushAsync(Cancellation);
                return;
            }
            catch (PyResolveException) when (failures < 1_000)
            {
                // The server is still unreliable.
            }
        }
    }
}
