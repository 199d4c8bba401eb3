using System.Reflection;
using System.Runtime.Versioning;
using PyResolve.TestKit;

namespace PyResolve.Client.Tests.Leases;

/// <summary>Runs alone, because it uses the whole machine.</summary>
[CollectionDefinition(nameof(LeaseProof), DisableParallelization = true)]
public sealed class LeaseProofAlone;

/// <summary>Threads, processes and kills never get more permits out of a lease than it has units.</summary>
[Trait("Category", "Proof"), Collection(nameof(LeaseProof))]
public sealed class LeaseProof
{
    private const int Leased = 20;
    private static readonly string Suite = $"Leases that are spent offline ({Target})";

    private static string? Target => typeof(PyResolveClient).Assembly.GetCustomAttribute<TargetFrameworkAttribute>()?.FrameworkName;

    [Fact]
    public async Task Sixty_four_threads_in_each_of_four_processes_get_exactly_what_was_leased()
    {
        var rounds = Scale.Pick(1, 20);
        for (var round = 0; round < rounds; round++)
        {
            await using var server = await LeasingServer.StartAsync();
            await server.PrepayAsync(Leased);
            var processes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => SpendingProcess.StartAsync(server, threads: 64)));

            var granted = await Task.WhenAll(processes.Select(process => SpendingProcess.RunAsync(process)));

            granted.Sum().ShouldBe(Leased);
            await server.ReconnectAsync();
            server.Events.Values.Count(lease => lease is not null).ShouldBe(Leased);
        }

        Proofs.Report(
            Suite,
            $"4 processes with 64 threads each on one lease of {Leased}, without a network, {rounds} time(s): "
            + $"exactly {Leased} permits each time, and as many events when the server was back.");
    }

    [Fact]
    public async Task Threads_that_take_and_release_never_have_more_at_once_than_was_leased()
    {
        var turns = Scale.Pick(15, 500);
        await using var server = await LeasingServer.StartAsync();
        await server.PrepayAsync(3);
        var (alive, most, granted) = (0, 0, 0);

        await Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
        {
            await using var client = server.ClientWithoutNetwork();
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                for (var turn = 0; turn < turns; turn++)
                {
                    await using var permit = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2));
                    if (!permit.IsGranted)
                        continue;
                    Raise(ref most, Interlocked.Increment(ref alive));
                    Interlocked.Increment(ref granted);
                    await Task.Yield();
                    Interlocked.Decrement(ref alive);
                }
            })));
        }));

        most.ShouldBeInRange(1, 3);
        granted.ShouldBeGreaterThan(3);
        LeaseFile.Load(server.Home.LeaseFiles().Single())!.Taken.ShouldBe(0);
        Proofs.Report(
            Suite,
            $"8 threads on 2 ledgers took and released units of a lease of 3, {granted} times: "
            + $"at most {most} were taken at once, and all were released.");
    }

    [Fact]
    public async Task Processes_that_are_killed_at_random_moments_never_get_more_than_leased()
    {
        var leases = Scale.Pick(2, 40);
        var random = new Random(20_26);
        var (kills, permits, reported) = (0, 0, 0);
        for (var round = 0; round < leases; round++)
        {
            await using var server = await LeasingServer.StartAsync();
            await server.PrepayAsync(Leased);
            var granted = 0;
            for (var generation = 0; generation < 3; generation++)
            {
                var processes = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => SpendingProcess.StartAsync(server, threads: 4)));
                granted += (await Task.WhenAll(processes.Select(process => SpendingProcess.RunAsync(process, killAfter: random.Next(5)))))
                    .Sum();
                kills += 2;
            }

            granted += await SpendingProcess.RunAsync(await SpendingProcess.StartAsync(server, threads: 8, turns: 8));
            var taken = LeaseFile.Load(server.Home.LeaseFiles().Single())!.Taken;
            await server.ReconnectAsync();

            taken.ShouldBe(Leased, "what a process that died had taken stays taken, and all else was taken");
            granted.ShouldBeLessThanOrEqualTo(Leased);
            server.Events.Values.Count(lease => lease is not null).ShouldBeLessThanOrEqualTo(Leased);
            (permits, reported) = (permits + granted, reported + server.Events.Values.Count(lease => lease is not null));
        }

        Proofs.Report(
            Suite,
            $"{leases} leases of {Leased}, {kills} processes killed by SIGKILL while they spent them: "
            + $"{permits} permits, never more than {Leased} of a lease; {reported} of them had been completed, and were reported once.");
    }

    private static void Raise(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen;)
        {
            var before = Interlocked.CompareExchange(ref most, value, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }
}
