using System.Diagnostics;
using System.Globalization;
using PyResolve.Server.Keys;
using PyResolve.Server.Tests.Telemetry;

namespace PyResolve.Server.Tests.Failover;

/// <summary>
/// The database loses its last changes while two servers remember a key, and new changes get the lost ones' numbers: a key that is revoked
/// then is dead on both within a second.
/// </summary>
[Trait("Category", "Proof")]
public sealed class LostChangesProof(SharedServers servers)
{
    private const string Suite = "Failover of PostgreSQL";
    private const int LostChanges = 3;

    private static readonly int Rounds = Scale.Pick(1, 10);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_that_is_revoked_after_a_failover_to_a_standby_that_lagged_is_dead_within_a_second_everywhere()
    {
        await using var pair = await ReplicatedPair.StartAsync(isSynchronous: false, Cancellation);
        await using var first = await StartAsync(pair.Environment);
        await using var second = await StartAsync(pair.Environment);
        var latest = TimeSpan.Zero;
        for (var round = 0; round < Rounds; round++)
        {
            var account = await TestAccount.SignUpAsync(first.Http);
            await CaughtUpAsync(pair, account);
            await pair.Standby.KillAsync();
            await ChangeAndRememberAsync(account, first, second);

            await pair.Primary.KillAsync();
            await pair.Standby.RestartAsync(Cancellation);
            await pair.PromoteAsync();
            latest = Max(latest, await RevokeAsync(pair.OnPrimary, account, first, second));
            await pair.RejoinAsync(Cancellation);
        }

        Report("A standby that lacked the last changes of keys was promoted", latest);
    }

    [Fact]
    public async Task A_key_that_is_revoked_after_a_restore_under_running_servers_is_dead_within_a_second_everywhere()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        var url = PostgresAddress.ToUrl(store.ConnectionString);
        await using var first = await StartAsync(store.Settings);
        await using var second = await StartAsync(store.Settings);
        var dump = Path.Combine(first.DataFolder, "dump");
        var latest = TimeSpan.Zero;
        for (var round = 0; round < Rounds; round++)
        {
            var account = await TestAccount.SignUpAsync(first.Http);
            await RunAsync("pg_dump", "--format=custom", $"--file={dump}", url);
            await ChangeAndRememberAsync(account, first, second);

            await RunAsync(
                "pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error", $"--dbname={url}", dump);
            latest = Max(latest, await RevokeAsync(store, account, first, second));
        }

        Report("A backup without the last changes of keys was restored under two running servers", latest);
    }

    private static Task<ServerProcess> StartAsync(IReadOnlyDictionary<string, string?> settings) =>
        ServerProcess.StartAsync(new Dictionary<string, string?>(settings.Append(MetricsReader.Setting)), Cancellation);

    private static async Task CaughtUpAsync(ReplicatedPair pair, TestAccount account) => await Eventually.IsTrueAsync(
        async () => await pair.OnStandby.ReadNumberAsync($"select count(*) from api_keys where user_id = '{account.UserId}'") == 1,
        cancellationToken: Cancellation);

    /// <summary>Changes that will be lost, which both servers have polled, and after which both keep the key in memory.</summary>
    private static async Task ChangeAndRememberAsync(TestAccount account, ServerProcess first, ServerProcess second)
    {
        for (var change = 0; change < LostChanges; change++)
            (await account.Session.SendAsync(HttpMethod.Patch, "/me", new { name = $"Name {change}" })).Status.ShouldBe(200);
        // From then on, what is answered from memory was confirmed by a poll after the changes.
        await Task.Delay(VerifiedKeyCache.MaxConfirmationAge, Cancellation);
        await RememberAsync(account, first);
        await RememberAsync(account, second);
    }

    private static async Task RememberAsync(TestAccount account, ServerProcess server)
    {
        using var metrics = new MetricsReader(server);
        var before = await CountAsync();
        await Eventually.IsTrueAsync(
            async () =>
            {
                (await account.On(server.Http).Key.GetAsync("/me")).Status.ShouldBe(200);
                return await CountAsync() > before;
            },
            cancellationToken: Cancellation,
            what: "a key that is answered from memory");

        async Task<double> CountAsync() => (await metrics.ReadAsync()).Of("pyresolve_key_checks_total", "result=\"remembered\"");
    }

    /// <summary>Repeats the numbers of the lost changes and revokes.</summary>
    /// <returns>How long after the revocation the key was accepted last.</returns>
    private static async Task<TimeSpan> RevokeAsync(TestStore store, TestAccount account, ServerProcess first, ServerProcess second)
    {
        var revoke = $"update api_keys set revoked_at = now() where user_id = '{account.UserId}';";
        var change = $"update profiles set name = name || '.' where id = '{account.UserId}';";
        await store.ExecuteSqlAsync($"begin; {revoke} {string.Concat(Enumerable.Repeat(change, LostChanges + 1))} commit;");
        var revokedAt = Stopwatch.GetTimestamp();

        var accepted = await Task.WhenAll(AskAsync(account.On(first.Http), revokedAt), AskAsync(account.On(second.Http), revokedAt));
        accepted.Max().ShouldBeLessThan(Bound);
        return accepted.Max();
    }

    /// <summary>Until it is refused, and then for three seconds.</summary>
    private static async Task<TimeSpan> AskAsync(TestAccount account, long revokedAt)
    {
        var (accepted, refusedAt) = (TimeSpan.Zero, (long?)null);
        while (refusedAt is not { } since || Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(3))
        {
            var sentAt = Stopwatch.GetElapsedTime(revokedAt);
            var answer = await account.Key.GetAsync("/me");
            answer.Status.ShouldBeOneOf(200, 401, 503);
            if (answer.Status == 200)
                accepted = sentAt;
            else if (answer.Status == 401)
                refusedAt ??= Stopwatch.GetTimestamp();
            sentAt.ShouldBeLessThan(TimeSpan.FromSeconds(30), "The key is not refused.");
            await Task.Delay(TimeSpan.FromMilliseconds(10), Cancellation);
        }

        return accepted;
    }

    private static async Task RunAsync(string program, params string[] arguments) =>
        (await Command.RunAsync(program, arguments, cancellationToken: Cancellation)).OrThrow(program);

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static void Report(string what, TimeSpan latest) => Proofs.Report(Suite, string.Create(
        CultureInfo.InvariantCulture,
        $"{what}, {Rounds} times: a key that was revoked then was accepted {latest.TotalMilliseconds:0} ms later at most, by either "
        + $"server."));
}
