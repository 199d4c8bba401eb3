using System.Collections.Concurrent;

namespace PyResolve.Server.Tests.Usage;

/// <summary>
/// Clients that send usage, single and in batches, until they are stopped. Most retry with the same ids until they are answered; some do
/// not.
/// </summary>
internal sealed class LedgerLoad : IAsyncDisposable
{
    private const int Accounts = 3;
    private const int Clients = 12;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _clients;
    private int _answers;
    private int _retried;

    private LedgerLoad(TestAccount[] accounts) =>
        _clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => SendAsync(accounts[client % Accounts], client)));

    /// <summary>Ids of acknowledged events.</summary>
    public ConcurrentBag<Guid> Acknowledged { get; } = [];

    /// <summary>Ids without an answer: they may be stored.</summary>
    public ConcurrentBag<Guid> Unanswered { get; } = [];

    /// <summary>The number of retries.</summary>
    public int Retried => _retried;

    public static async Task<LedgerLoad> StartAsync(HttpClient http)
    {
        var accounts = new TestAccount[Accounts];
        for (var i = 0; i < Accounts; i++)
            accounts[i] = await TestAccount.SignUpAsync(http);
        return new LedgerLoad(accounts);
    }

    /// <summary>Waits for this many more answers.</summary>
    public Task<TimeSpan> PassesAsync(int answers, CancellationToken cancellationToken)
    {
        var goal = Volatile.Read(ref _answers) + answers;
        return Eventually.IsTrueAsync(() => Volatile.Read(ref _answers) >= goal || _clients.IsFaulted, Patience, cancellationToken);
    }

    /// <summary>Waits until every client has finished its request.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _clients;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private async Task SendAsync(TestAccount account, int client)
    {
        var random = new Random(client);
        while (!_stopping.IsCancellationRequested)
        {
            object[] events = [.. Enumerable.Range(0, client % 4 == 0 ? random.Next(1, 30) : 1).Select(_ => Draw(random))];
            var ids = events.Select(usage => (Guid)((Dictionary<string, object?>)usage)["id"]!).ToList();
            var isPatient = client % 3 != 0;
            var isAnswered = await TryAsync(account, events);
            if (!isAnswered && isPatient)
            {
                await Eventually.IsTrueAsync(
                    async () =>
                    {
                        Interlocked.Increment(ref _retried);
                        return isAnswered = await TryAsync(account, events);
                    },
                    Patience);
            }

            foreach (var id in ids)
                (isAnswered ? Acknowledged : Unanswered).Add(id);
            if (isAnswered)
                Interlocked.Increment(ref _answers);
        }
    }

    /// <returns>Whether it was recorded, now or before.</returns>
    private static async Task<bool> TryAsync(TestAccount account, object[] events)
    {
        Answer answer;
        try
        {
            answer = events.Length == 1
                ? await account.Key.PostAsync("/usage", events[0])
                : await account.Key.PostAsync("/usage/batch", new { events });
        }
        catch (Exception exception) when (ServerProcess.IsAway(exception))
        {
            return false;
        }

        answer.Status.ShouldBeOneOf(200, 503);
        if (answer.Status == 200 && events.Length > 1)
            (answer["recorded"].GetInt32() + answer["duplicates"].GetInt32()).ShouldBe(events.Length, answer.Text);
        return answer.Status == 200;
    }

    private static Dictionary<string, object?> Draw(Random random) => new()
    {
        ["id"] = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()),
        ["event_type"] = random.Next(3) == 0 ? "scan" : "migration",
        ["library"] = random.Next(3) is var library and > 0 ? $"library {library}" : null,
        ["tier"] = random.Next(4) is var tier and > 0 ? $"tier{tier}" : null,
        ["tokens_used"] = random.Next(3) == 0 ? 0 : random.Next(1_000),
        ["files_changed"] = random.Next(10),
        ["metadata"] = new { note = new string('x', random.Next(200)) },
    };
}
