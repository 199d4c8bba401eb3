using System.Collections.Concurrent;

namespace PyResolve.Server.Tests.Failover;

/// <summary>
/// A load balancer as the guide to high availability asks for one: it sends each request to the next server whose
/// <c>/health/ready</c> answers 200. Where none does, requests wait.
/// </summary>
internal sealed class Balancer(IReadOnlyDictionary<string, string?> settings) : IAsyncDisposable
{
    /// <summary>More than it takes to notice that a server is not ready any more, also on a busy machine.</summary>
    private const string DrainSeconds = "5";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly List<Backend> _backends = [];
    private readonly CancellationTokenSource _over = new();
    private int _next;
    private int _answers;
    private int _rounds;

    public int Answers => Volatile.Read(ref _answers);

    /// <summary>Each has one reservation and two events.</summary>
    public int Rounds => Volatile.Read(ref _rounds);

    public ConcurrentBag<string> Refusals { get; } = [];

    public void CountRound() => Interlocked.Increment(ref _rounds);

    public async Task<ServerProcess> StartAsync(string assembly, CancellationToken cancellationToken)
    {
        var server = await ServerProcess.StartProgramAsync(
            assembly, new Dictionary<string, string?>(settings) { ["PyResolve__DrainSeconds"] = DrainSeconds }, cancellationToken);
        var backend = new Backend(server);
        backend.Watching = WatchAsync(backend);
        lock (_gate)
            _backends.Add(backend);
        return server;
    }

    /// <param name="server">Gets SIGTERM.</param>
    /// <param name="drains">It says itself that it stops, and serves on. Otherwise it is taken out first, as Kubernetes does.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    public async Task StopAsync(ServerProcess server, bool drains, CancellationToken cancellationToken)
    {
        Backend backend;
        lock (_gate)
            backend = _backends.Single(one => one.Server == server);
        if (!drains)
            await Eventually.IsTrueAsync(() => TakeOut(backend) == 0, cancellationToken: cancellationToken);
        await server.StopAsync();
    }

    /// <summary>What is refused is sent again, under the same id, as the SDK does.</summary>
    public async Task<Answer> SendAsync(Func<HttpClient, Task<Answer>> ask)
    {
        Answer? answer = null;
        await Eventually.IsTrueAsync(async () => (answer = await TrySendAsync(ask)) is not null, Patience);
        return answer!;
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        foreach (var backend in _backends)
        {
            await backend.Watching;
            await backend.Server.DisposeAsync();
        }

        _over.Dispose();
    }

    /// <returns>How many requests it still has.</returns>
    private int TakeOut(Backend backend)
    {
        lock (_gate)
        {
            backend.IsTakenOut = true;
            return backend.Running;
        }
    }

    /// <returns>null: refused, or no server is ready.</returns>
    private async Task<Answer?> TrySendAsync(Func<HttpClient, Task<Answer>> ask)
    {
        if (TakeNext() is not { } backend)
            return null;
        try
        {
            var answer = await ask(backend.Server.Http);
            Interlocked.Increment(ref _answers);
            if (answer.Status is 200 or 201)
                return answer;
            Refusals.Add($"{answer.Status} {answer.Text}");
        }
        catch (Exception exception) when (ServerProcess.IsAway(exception))
        {
            Refusals.Add(exception.Message);
        }
        finally
        {
            lock (_gate)
                backend.Running--;
        }

        return null;
    }

    private Backend? TakeNext()
    {
        lock (_gate)
        {
            var serving = _backends.FindAll(static one => one is { IsReady: true, IsTakenOut: false });
            if (serving.Count == 0)
                return null;
            var backend = serving[_next++ % serving.Count];
            backend.Running++;
            return backend;
        }
    }

    private async Task WatchAsync(Backend backend)
    {
        while (!_over.IsCancellationRequested)
        {
            var isReady = await IsReadyAsync(backend.Server.Http);
            lock (_gate)
                backend.IsReady = isReady;
            await Task.Delay(Interval, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> IsReadyAsync(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), _over.Token);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (ServerProcess.IsAway(exception) || exception is OperationCanceledException)
        {
            return false;
        }
    }

    private sealed class Backend(ServerProcess server)
    {
        public ServerProcess Server => server;

        public Task Watching { get; set; } = Task.CompletedTask;

        /// <summary>It was, when it started.</summary>
        public bool IsReady { get; set; } = true;

        public bool IsTakenOut { get; set; }

        public int Running { get; set; }
    }
}
