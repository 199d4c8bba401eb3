using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace PyResolve.Server.Tests.Citus;

/// <summary>
/// Accounts that record usage, reserve and read their quota all the time, each request after the last one of its kind was answered. An
/// event that was answered 503 is sent again with its id.
/// </summary>
internal sealed class SteadyTraffic
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentQueue<Request> _requests = [];
    private readonly Task _work;
    private volatile bool _isStopping;

    private SteadyTraffic(IEnumerable<TestAccount> accounts, TimeSpan interval) =>
        _work = Task.WhenAll(accounts.Select((account, place) => SendAsync(account, place * interval)));

    public IReadOnlyList<Request> Requests => [.. _requests];

    public IReadOnlyList<Request> Writes => [.. _requests.Where(static request => request.IsWrite)];

    public IReadOnlyList<Request> Reads => [.. _requests.Where(static request => !request.IsWrite)];

    /// <summary>Ids of acknowledged events.</summary>
    public ConcurrentBag<Guid> Acknowledged { get; } = [];

    /// <param name="accounts">They begin one after another.</param>
    /// <param name="interval">The time between two of them.</param>
    public static SteadyTraffic Start(IEnumerable<TestAccount> accounts, TimeSpan interval = default) => new(accounts, interval);

    /// <summary>Waits until each request was answered.</summary>
    public async Task StopAsync()
    {
        _isStopping = true;
        await _work;
    }

    /// <summary>How many were answered with which status.</summary>
    public override string ToString() => string.Join(", ", _requests
        .GroupBy(static request => (Kind: request.IsWrite ? "writes" : "reads", request.Status))
        .OrderBy(static group => group.Key)
        .Select(static group =>
        {
            var slowest = group.Max(static request => request.Took).TotalSeconds;
            return string.Create(
                CultureInfo.InvariantCulture, $"{group.Count():N0} {group.Key.Kind} {group.Key.Status} within {slowest:0.0} s");
        }));

    private async Task SendAsync(TestAccount account, TimeSpan delay)
    {
        await Task.Delay(delay, CancellationToken.None);
        await Task.WhenAll(
            RecordAsync(account),
            RepeatAsync(isWrite: true, () => account.ReserveAsync()),
            RepeatAsync(isWrite: false, () => account.Key.GetAsync("/quota")));
    }

    private async Task RecordAsync(TestAccount account)
    {
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        await RepeatAsync(isWrite: true, async () =>
        {
            var answer = await account.Key.PostAsync("/usage", new { id, event_type = "scan" });
            if (answer.Status == 200)
            {
                Acknowledged.Add(id);
                id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
            }

            return answer;
        });
    }

    private async Task RepeatAsync(bool isWrite, Func<Task<Answer>> send)
    {
        while (!_isStopping)
        {
            var sentAt = Stopwatch.GetTimestamp();
            var answer = await send();
            _requests.Enqueue(new Request(isWrite, answer.Status, sentAt, Stopwatch.GetElapsedTime(sentAt)));
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    /// <param name="SentAt">A timestamp of <see cref="Stopwatch"/>.</param>
    internal sealed record Request(bool IsWrite, int Status, long SentAt, TimeSpan Took)
    {
        public bool IsServed => Status is 200 or 201;
    }
}
