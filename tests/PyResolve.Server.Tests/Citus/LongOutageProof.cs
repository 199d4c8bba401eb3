using System.Diagnostics;
using System.Globalization;

namespace PyResolve.Server.Tests.Citus;

/// <summary>
/// A worker fails for minutes under constant load, on nodes with the connections that PostgreSQL has by default: the coordinator does not
/// run out of them, and all other accounts are served.
/// </summary>
[Trait("Category", "Proof")]
public sealed class LongOutageProof
{
    private const string Suite = "Citus";

    /// <summary>Of each node: PostgreSQL's default.</summary>
    private const int MaxConnections = 100;

    /// <summary>A server's <c>pool_size</c>.</summary>
    private const int PoolSize = 20;

    private static readonly int Accounts = Scale.Pick(80, 160);
    private static readonly TimeSpan Outage = Scale.Pick(TimeSpan.FromSeconds(60), TimeSpan.FromMinutes(3));

    /// <summary>Those of the worker that fails wait for longer.</summary>
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>It keeps its connections and answers nothing, as behind a network that loses packets.</summary>
    [CitusFact(NeedsOwnNodes = true)]
    public async Task A_worker_that_hangs_for_minutes_leaves_the_coordinator_its_connections()
    {
        await using var outage = await WorkerOutage.StartAsync(MaxConnections, accounts: 40, interval: default, Cancellation);

        outage.Worker.Freeze();
        await Task.Delay(Outage, Cancellation);
        outage.Worker.Thaw();

        await outage.EndAsync();
        outage.Healthy.Requests.ShouldAllBe(static request => request.IsServed && request.Took < Prompt);
        outage.Stranded.Requests.ShouldAllBe(static request => request.IsServed || request.Status == 503);
        outage.Sessions.Most.ShouldBeLessThanOrEqualTo(3 * PoolSize);
        Report("One of two workers stopped answering", outage);
    }

    /// <summary>Citus cannot cancel a commit that waits for it: its session stays. Those of one account wait for each other.</summary>
    [CitusFact(NeedsOwnNodes = true)]
    public async Task A_worker_whose_synchronous_standby_is_gone_for_minutes_leaves_the_coordinator_its_connections()
    {
        await using var outage = await WorkerOutage.StartAsync(MaxConnections, Accounts, Outage / (Accounts / 2), Cancellation);

        await outage.Worker.ConfigureAsync("synchronous_standby_names", "missing");
        await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
        var beganAt = Stopwatch.GetTimestamp();
        await Task.Delay(Outage, Cancellation);
        var during = outage.Stranded.Writes.Where(request => request.SentAt > beganAt).ToList();
        await outage.Worker.ConfigureAsync("synchronous_standby_names", "");

        await outage.EndAsync();
        outage.Healthy.Requests.ShouldAllBe(static request => request.IsServed && request.Took < Prompt);
        outage.Stranded.Reads.ShouldAllBe(static request => request.IsServed);
        outage.Stranded.Writes.ShouldAllBe(static request => request.IsServed || request.Status == 503);
        during.ShouldNotBeEmpty();
        during.ShouldAllBe(static request => request.Status == 503);
        outage.Sessions.Most.ShouldBeLessThanOrEqualTo(3 * PoolSize);
        Report("The synchronous standby of one of two workers missing", outage);
    }

    private static void Report(string what, WorkerOutage outage) => Proofs.Report(Suite, string.Create(
        CultureInfo.InvariantCulture,
        $"{what} for {Outage.TotalSeconds:0} s under constant load, on nodes with {MaxConnections} connections: all "
        + $"{outage.Healthy.Requests.Count:N0} requests of the accounts on the other were served, the slowest in "
        + $"{outage.Healthy.Requests.Max(static request => request.Took).TotalSeconds:0.0} s; the coordinator had at most "
        + $"{outage.Sessions.Most} sessions; {outage.Acknowledged:N0} events acknowledged, none lost, none twice; the accounts on the "
        + $"worker were served again after {outage.ServedAgainAfter.TotalSeconds:0.0} s, without a restart."));
}
