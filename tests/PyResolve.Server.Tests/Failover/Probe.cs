using System.Collections.Concurrent;
using System.Diagnostics;

namespace PyResolve.Server.Tests.Failover;

/// <summary>Sends one event after another to one server, each once, and notes the answers.</summary>
internal sealed class Probe : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly TestAccount _account;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _work;
    private long _startedAt;
    private int _refusals;

    public Probe(TestAccount account)
    {
        _account = account;
        _work = WorkAsync();
    }

    /// <summary>Ids of acknowledged events.</summary>
    public ConcurrentBag<Guid> Acknowledged { get; } = [];

    /// <summary>Answers that were neither 200 nor 503.</summary>
    public ConcurrentBag<string> Failures { get; } = [];

    public int Refusals => Volatile.Read(ref _refusals);

    /// <summary>Waits for an acknowledged event that was sent after the instant, and returns how long after it that came.</summary>
    public async Task<TimeSpan> ServesAsync(long since, CancellationToken cancellationToken)
    {
        await Eventually.IsTrueAsync(
            () => Volatile.Read(ref _startedAt) > since || _work.IsCompleted, TimeSpan.FromSeconds(60), cancellationToken);
        return Stopwatch.GetElapsedTime(since);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _work;
        _stopping.Dispose();
    }

    private async Task WorkAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var (id, startedAt) = (Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), Stopwatch.GetTimestamp());
            var answer = await _account.Key.PostAsync("/usage", new { id, event_type = "scan" });
            switch (answer.Status)
            {
                case 200:
                    Acknowledged.Add(id);
                    Volatile.Write(ref _startedAt, startedAt);
                    break;
                case 503:
                    Interlocked.Increment(ref _refusals);
                    break;
                default:
                    Failures.Add($"{answer.Status} {answer.Text}");
                    break;
            }

            await Task.Delay(Pause, CancellationToken.None);
        }
    }
}
