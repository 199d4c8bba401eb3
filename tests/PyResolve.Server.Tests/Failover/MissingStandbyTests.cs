using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyResolve.Server.Storage;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Failover;

/// <summary>While the synchronous standby is missing, writes wait for it, and for each other.</summary>
public sealed class MissingStandbyTests
{
    /// <summary>Of a statement; 15 seconds by default.</summary>
    private const int LimitSeconds = 4;

    /// <summary>A second for the whole write, and one for a busy machine.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(LimitSeconds + 2);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_write_is_answered_503_once_its_time_limit_has_passed_and_all_go_on_when_the_standby_is_back()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        await using var store = TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var server = await TestServer.StartAsync(store, replace: services => services.Replace(
            ServiceDescriptor.Singleton(_ => new Database(new PostgresEngine(
                $"{DatabaseUrl.ToConnectionString(store.Settings["DATABASE_URL"]!)};Command Timeout={LimitSeconds}")))));
        var account = await TestAccount.SignUpAsync(server.Http);
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        await account.WarmUpAsync();
        var held = new ConcurrentQueue<Guid>();
        for (var i = 0; i < 40; i++)
            held.Enqueue((await account.ReserveAsync()).Id());
        await LoseStandbyAsync(postgres, store);

        var requests = new List<Func<Task<Answer>>>();
        var answers = new List<Task<(TimeSpan Took, Answer Answer)>>();
        for (var startedAt = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(startedAt) < 2 * TimeSpan.FromSeconds(LimitSeconds);)
        {
            foreach (var request in Requests(account, held, server.Clock.GetUtcNow()))
            {
                requests.Add(request);
                answers.Add(MeasureAsync(request));
            }

            // Each is a transaction of its own, which locks the account's row.
            answers.Add(MeasureAsync(() => account.Session.SendAsync(HttpMethod.Patch, "/me", new { name = "Ada" })));
            await Task.Delay(Interval, Cancellation);
        }

        foreach (var (took, answer) in await Task.WhenAll(answers))
        {
            answer.ShouldBeProblem(503, "unavailable");
            took.ShouldBeLessThan(Bound);
        }

        await postgres.ConfigureAsync("synchronous_standby_names", "");
        await Eventually.IsTrueAsync(async () => (await SendAsync("llm_call")).Status == 200, cancellationToken: Cancellation);
        foreach (var (took, answer) in await Task.WhenAll(requests.Select(MeasureAsync)))
        {
            answer.Status.ShouldBeOneOf([200, 201], answer.Text);
            took.ShouldBeLessThan(TimeSpan.FromSeconds(LimitSeconds));
        }

        var sent = requests.Count / 3;
        (await store.ReadNumberAsync("select count(*) from usage_events where event_type = 'scan'")).ShouldBe(sent);
        (await store.ReadNumberAsync("select count(*) from usage_events where event_type = 'migration'")).ShouldBe(sent);
        var quota = await account.Key.GetAsync("/quota");
        quota["migrations_used"].GetInt32().ShouldBe(sent);
        quota["migrations_held"].GetInt32().ShouldBe(sent + held.Count);

        Task<Answer> SendAsync(string type) => account.Key.PostAsync("/usage", new { event_type = type });
    }

    /// <summary>
    /// The first read with a session in a minute notes that it was seen, and the first use of a key that was made by SQL stores its digest.
    /// </summary>
    [Fact]
    public async Task Reads_with_a_session_and_with_a_key_do_not_wait_for_the_standby()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        await using var store = TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var server = await TestServer.StartAsync(store);
        var account = await TestAccount.SignUpAsync(server.Http);
        await store.ExecuteSqlAsync("update api_keys set key_digest = null");
        await LoseStandbyAsync(postgres, store);

        server.Clock.Advance(TimeSpan.FromMinutes(2));
        var reading = Enumerable.Range(0, 20).Select(_ => MeasureAsync(() => account.Session.GetAsync("/audit")));

        foreach (var (took, answer) in await Task.WhenAll([MeasureAsync(() => account.Key.GetAsync("/quota")), .. reading]))
        {
            answer.Status.ShouldBe(200, $"{answer.Text} after {took}");
            took.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        }
    }

    private static async Task LoseStandbyAsync(PostgresServer postgres, TestStore store)
    {
        await postgres.ConfigureAsync("synchronous_standby_names", "gone");
        await Eventually.IsTrueAsync(
            async () => (string?)await store.ReadSqlAsync("show synchronous_standby_names") == "gone", cancellationToken: Cancellation);
    }

    /// <summary>Each can be sent again.</summary>
    private static IEnumerable<Func<Task<Answer>>> Requests(TestAccount account, ConcurrentQueue<Guid> held, DateTimeOffset now)
    {
        var (id, key) = (Guid.CreateVersion7(now), Guid.CreateVersion7(now).ToString("D", CultureInfo.InvariantCulture));
        held.TryDequeue(out var reservation).ShouldBeTrue();
        yield return () => account.Key.PostAsync("/usage", new { id, event_type = "scan" });
        yield return () => account.ReserveAsync(idempotencyKey: key);
        yield return () => account.CommitAsync(reservation);
    }

    private static async Task<(TimeSpan Took, Answer Answer)> MeasureAsync(Func<Task<Answer>> request)
    {
        var startedAt = Stopwatch.GetTimestamp();
        var answer = await request();
        return (Stopwatch.GetElapsedTime(startedAt), answer);
    }
}
