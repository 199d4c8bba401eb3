using Eventually = PyResolve.TestKit.Eventually;

namespace PyResolve.Client.Tests.Usage;

/// <summary>One home, several processes, and file locks that do nothing, as on some network mounts.</summary>
[Trait("Platform", "Unix")]
public sealed class MissingLocksTests
{
    private const int Processes = 4;
    private const int Events = 400;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_file_locks_four_processes_lose_no_event_and_blame_no_disk()
    {
        var (server, ledger) = await Ledger.StartAsync(new Unreliable(seed: 8));
        await using var _ = server;

        var runs = await Task.WhenAll(Enumerable.Range(0, Processes).Select(_ =>
            ReportingProcess.RunAsync(server, Events, killAfter: null, withoutLocks: true, Cancellation)));
        // What they had no time to send waits for a process whose locks work.
        var client = server.Client();
        await Eventually.IsTrueAsync(() => FlushAsync(client), cancellationToken: Cancellation);
        await client.DisposeAsync();

        var accepted = runs.SelectMany(static run => run.Accepted).ToHashSet();
        accepted.Count.ShouldBe(Processes * Events);
        ledger.InOrder.ToHashSet().SetEquals(accepted).ShouldBeTrue();
        ledger.Contradictions.ShouldBe(0);
        server.Home.DamagedFiles().ShouldBeEmpty();
        server.Home.OutboxFiles().ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_file_locks_the_reporter_says_so_and_adopts_no_file()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /usage/batch", Answer.ConnectionClosed);
        server.On("POST /usage", Answer.ConnectionClosed);

        var first = await ReportingProcess.RunAsync(server, 1, killAfter: null, withoutLocks: true, Cancellation);
        var left = server.Home.OutboxFiles().ShouldHaveSingleItem();
        var second = await ReportingProcess.RunAsync(server, 1, killAfter: null, withoutLocks: true, Cancellation);

        first.Error.ShouldContain("File locks do not work in");
        second.Error.ShouldContain("Set PYRESOLVE_HOME to a folder on a local disk.");
        server.Home.OutboxFiles().ShouldContain(left);
        server.Home.OutboxFiles().Count.ShouldBe(2);
    }

    [Fact]
    public async Task Where_file_locks_work_the_reporter_says_nothing()
    {
        var (server, _) = await Ledger.StartAsync();
        await using var __ = server;

        (await ReportingProcess.RunAsync(server, 1, killAfter: null, withoutLocks: false, Cancellation)).Error.ShouldBeEmpty();
    }

    private static async Task<bool> FlushAsync(PyResolveClient client)
    {
        try
        {
            await client.Usage.FlushAsync(Cancellation);
            return true;
        }
        catch (PyResolveException)
        {
            // The server is unreliable.
            return false;
        }
    }
}
