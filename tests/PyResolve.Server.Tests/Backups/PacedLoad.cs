using System.Collections.Concurrent;
using System.Diagnostics;

namespace PyResolve.Server.Tests.Backups;

/// <summary>Usage that arrives at an even rate, in batches, until it is stopped.</summary>
internal sealed class PacedLoad : IAsyncDisposable
{
    private const int EventsInABatch = 50;
    private const int Clients = 4;

    private readonly CancellationTokenSource _stopping = new();
    private readonly long _startedAt = Stopwatch.GetTimestamp();
    private readonly TestAccount[] _accounts;
    private readonly Task _clients;
    private TimeSpan? _time;

    private PacedLoad(TestAccount[] accounts, string revokedKey, int eventsASecond)
    {
        (_accounts, RevokedKey) = (accounts, revokedKey);
        var interval = TimeSpan.FromSeconds((double)EventsInABatch * Clients / eventsASecond);
        _clients = Task.WhenAll(accounts.Select(account => SendAsync(account, interval)));
    }

    public TestAccount Account => _accounts[0];

    /// <summary>Another key of the account, which was revoked before the load began.</summary>
    public string RevokedKey { get; }

    public ConcurrentQueue<(Guid Id, DateTimeOffset At)> Acknowledged { get; } = [];

    public ConcurrentBag<Guid> Sent { get; } = [];

    /// <summary>How many events were acknowledged a second, up to now or the stop.</summary>
    public double PerSecond => Acknowledged.Count / (_time ?? Stopwatch.GetElapsedTime(_startedAt)).TotalSeconds;

    public static async Task<PacedLoad> StartAsync(HttpClient http, int eventsASecond)
    {
        var accounts = new TestAccount[Clients];
        for (var i = 0; i < Clients; i++)
            accounts[i] = await TestAccount.SignUpAsync(http);
        var made = await accounts[0].Session.PostAsync("/auth/api-keys", new { name = "revoked" });
        var key = made["api_key"].GetString()!;
        (await accounts[0].Session.DeleteAsync($"/auth/api-keys/{made["id"].GetGuid()}")).Status.ShouldBe(204);
        return new PacedLoad(accounts, key, eventsASecond);
    }

    /// <summary>Waits until every client has its last answer.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _clients;
        _time ??= Stopwatch.GetElapsedTime(_startedAt);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private async Task SendAsync(TestAccount account, TimeSpan interval)
    {
        for (var batch = 0; !_stopping.IsCancellationRequested; batch++)
        {
            // A slow answer is made up for: the rate holds over all of the time.
            var due = interval * batch - Stopwatch.GetElapsedTime(_startedAt);
            if (due > TimeSpan.Zero)
                await Task.WhenAny(Task.Delay(due, _stopping.Token));
            if (_stopping.IsCancellationRequested)
                return;
            var ids = Enumerable.Range(0, EventsInABatch).Select(static _ => Guid.CreateVersion7(TimeProvider.System.GetUtcNow())).ToList();
            ids.ForEach(Sent.Add);
            var events = ids.Select((id, i) => new { id, event_type = i % 2 == 0 ? "migration" : "scan", tokens_used = i });
            var answer = await account.Key.PostAsync("/usage/batch", new { events });
            var now = TimeProvider.System.GetUtcNow();
            answer.Status.ShouldBe(200, answer.Text);
            ids.ForEach(id => Acknowledged.Enqueue((id, now)));
        }
    }
}
