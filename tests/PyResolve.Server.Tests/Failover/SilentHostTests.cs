using System.Diagnostics;
using System.Globalization;
using System.Net;
using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Failover;

/// <summary>
/// Of several hosts one gives no answer at all, as a machine that is switched off, cut off from the network, or that hangs. It does not
/// refuse: whoever asks it waits.
/// </summary>
public sealed class SilentHostTests
{
    private const string Suite = "Failover of PostgreSQL";

    // A busy machine may need longer than what is documented.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(Scale.Pick(4, 2));
    private static readonly TimeSpan NoticedWithin = TimeSpan.FromSeconds(Scale.Pick(15, 6));
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(Scale.Pick(20, 30));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_primary_that_hangs_stops_nothing_after_its_standby_was_promoted()
    {
        await using var pair = await ReplicatedPair.StartAsync(isSynchronous: false, Cancellation);
        await using var server = await ServerProcess.StartAsync(pair.Environment, Cancellation);
        var account = await SignUpAsync(server, pair);
        await Task.WhenAll(AskAll(account));

        pair.Primary.Freeze();
        // Sooner than the time limit of a statement.
        var answered = Task.WhenAll(AskAll(account)).WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        await pair.PromoteAsync();

        await ServesAsync(server, account, "A primary that hangs");
        await answered;
    }

    [Fact]
    public async Task A_primary_that_is_cut_off_stops_nothing_after_its_standby_was_promoted()
    {
        await using var pair = await ReplicatedPair.StartAsync(isSynchronous: false, Cancellation);
        await using var network = TcpProxy.Start(new IPEndPoint(IPAddress.Loopback, pair.Primary.Port));
        await using var server = await ServerProcess.StartAsync(
            pair.Environment.ToDictionary(
                static setting => setting.Key,
                setting => setting.Value!.Replace($":{pair.Primary.Port},", $":{network.EndPoint.Port},", StringComparison.Ordinal))!,
            Cancellation);
        var account = await SignUpAsync(server, pair);

        await network.DropAsync();
        await pair.PromoteAsync();

        await ServesAsync(server, account, "A primary without a network");
    }

    [Fact]
    public async Task While_no_other_host_accepts_writes_the_primary_that_hangs_is_used_on_when_it_continues()
    {
        await using var pair = await ReplicatedPair.StartAsync(isSynchronous: false, Cancellation);
        await using var server = await ServerProcess.StartAsync(pair.Environment, Cancellation);
        var account = await SignUpAsync(server, pair);

        pair.Primary.Freeze();
        await Eventually.IsTrueAsync(
            async () => (await account.Key.GetAsync("/quota")).Status == 503, TimeSpan.FromSeconds(60), Cancellation);
        pair.Primary.Thaw();

        await ServesAsync(server, account, "A primary that hung and went on");
    }

    [Trait("Category", "Proof")]
    [Fact]
    public async Task A_first_host_that_never_answered_delays_the_first_connection_alone()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        var database = new NpgsqlConnectionStringBuilder(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation)).Database;
        await using var nowhere = await TcpProxy.StartBlackHoleAsync(IPAddress.Loopback);
        await using var engine = new PostgresEngine(DatabaseUrl.ToConnectionString(
            $"postgres://postgres@127.0.0.1:{nowhere.EndPoint.Port},127.0.0.1:{postgres.Port}/{database}"));
        var store = new Database(engine);
        (await ReadAsync()).ShouldBeLessThan(Bound + Bound);

        for (var until = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(until) < TimeSpan.FromSeconds(5);)
        {
            // More at once than are open.
            var slowest = (await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => ReadAsync()))).Max();
            slowest.ShouldBeLessThan(Bound);
            await Task.Delay(TimeSpan.FromMilliseconds(200), Cancellation);
        }

        async Task<TimeSpan> ReadAsync()
        {
            var startedAt = Stopwatch.GetTimestamp();
            (await store.ReadAsync(session => session.NumberAsync($"select 1::bigint", Cancellation), Cancellation)).ShouldBe(1);
            return Stopwatch.GetElapsedTime(startedAt);
        }
    }

    /// <summary>Each on a connection of its own.</summary>
    private static Task<Answer>[] AskAll(TestAccount account) =>
        [.. Enumerable.Range(0, 40).Select(_ => account.Session.GetAsync("/audit"))];

    private static async Task<TestAccount> SignUpAsync(ServerProcess server, ReplicatedPair pair)
    {
        var account = await TestAccount.SignUpAsync(server.Http);
        await account.WarmUpAsync();
        await Eventually.IsTrueAsync(
            async () => await pair.OnStandby.ReadNumberAsync($"select count(*) from api_keys where user_id = '{account.UserId}'") == 1,
            cancellationToken: Cancellation);
        return account;
    }

    /// <summary>From the first answers on, everything is served, and soon.</summary>
    private static async Task ServesAsync(ServerProcess server, TestAccount account, string what)
    {
        Func<Task<Answer>>[] requests =
        [
            () => account.Key.GetAsync("/quota"),
            () => account.Key.PostAsync("/usage", new { event_type = "scan" }),
            () => account.Session.GetAsync("/audit"),
            () => new Caller(server.Http).GetAsync("/health/ready"),
        ];
        var noticed = await Eventually.IsTrueAsync(
            async () => (await Task.WhenAll(requests.Select(static ask => ask()))).All(static answer => answer.Status == 200),
            TimeSpan.FromSeconds(30),
            Cancellation);
        var startedAt = Stopwatch.GetTimestamp();

        var slowest = (await Task.WhenAll(requests.Select(AskAsync))).Max();

        Proofs.Report(Suite, string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: served again after {noticed.TotalSeconds:0.0} s, then for {Watched.TotalSeconds:0} s everything within "
            + $"{slowest.TotalSeconds:0.0} s, nothing refused."));
        noticed.ShouldBeLessThan(NoticedWithin);

        async Task<TimeSpan> AskAsync(Func<Task<Answer>> ask)
        {
            var longest = TimeSpan.Zero;
            while (Stopwatch.GetElapsedTime(startedAt) < Watched)
            {
                var askedAt = Stopwatch.GetTimestamp();
                var answer = await ask();
                var took = Stopwatch.GetElapsedTime(askedAt);
                var details = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{answer.Text} at {Stopwatch.GetElapsedTime(startedAt).TotalSeconds:0.0} s, after {took.TotalSeconds:0.0} s");
                answer.Status.ShouldBe(200, details);
                took.ShouldBeLessThan(Bound, details);
                longest = took > longest ? took : longest;
                await Task.Delay(TimeSpan.FromMilliseconds(20), Cancellation);
            }

            return longest;
        }
    }
}
