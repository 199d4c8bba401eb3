using System.Diagnostics;

namespace PyResolve.Benchmarks.Load;

/// <summary>
/// Sends requests over keep-alive connections, one at a time on each. The connections stay open between runs, so that a short run measures
/// requests
/// and not the opening of connections.
/// </summary>
internal sealed class LoadGenerator : IDisposable
{
    /// <summary>The runtime reads this environment variable when a process first waits for a socket. Only for the load generator.</summary>
    public const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    private readonly IReadOnlyList<HttpConnection> _connections;

    private LoadGenerator(IReadOnlyList<HttpConnection> connections) => _connections = connections;

    public static async Task<LoadGenerator> ConnectAsync(Uri address, int connections, CancellationToken cancellationToken)
    {
        var open = new List<HttpConnection>(connections);
        try
        {
            for (var i = 0; i < connections; i++)
                open.Add(await HttpConnection.OpenAsync(address, cancellationToken));
            return new LoadGenerator(open);
        }
        catch
        {
            open.ForEach(connection => connection.Dispose());
            throw;
        }
    }

    /// <summary>Sends requests for <paramref name="length"/>, as fast as the answers arrive.</summary>
    public async Task<Answers> RunAsync(TimeSpan length, Requests requests, CancellationToken cancellationToken) =>
        (await RunAsync(length, [requests], cancellationToken))[0];

    /// <summary>
    /// The same with several kinds of requests, which every connection sends in turn: a disturbance of the machine affects all of them.
    /// </summary>
    public Task<IReadOnlyList<Answers>> RunAsync(TimeSpan length, IReadOnlyList<Requests> kinds, CancellationToken cancellationToken)
    {
        var deadline = new Deadline(length);
        return RunAsync(kinds, SendAsync, cancellationToken);

        async Task SendAsync(HttpConnection connection, int index, Answers.Recorder[] recorders)
        {
            for (var turn = index; !deadline.IsOver; turn++)
            {
                var kind = turn % kinds.Count;
                await ExchangeAsync(connection, kinds[kind], kinds[kind].AtRandom(), recorders[kind], cancellationToken);
            }
        }
    }

    /// <summary>Sends every request once.</summary>
    public async Task<Answers> RunOnceAsync(Requests requests, CancellationToken cancellationToken)
    {
        return (await RunAsync([requests], SendAsync, cancellationToken))[0];

        async Task SendAsync(HttpConnection connection, int index, Answers.Recorder[] recorders)
        {
            while (requests.TryNext(out var message))
                await ExchangeAsync(connection, requests, message, recorders[0], cancellationToken);
        }
    }

    /// <summary>
    /// Sends a fixed number of requests per second, evenly, until <paramref name="end"/>. Requests that the server delays are made up for
    /// later.
    /// </summary>
    public async Task<Answers> RunPacedAsync(int perSecond, Task end, Requests requests, CancellationToken cancellationToken)
    {
        var startedAt = Stopwatch.GetTimestamp();
        return (await RunAsync([requests], SendAsync, cancellationToken))[0];

        async Task SendAsync(HttpConnection connection, int index, Answers.Recorder[] recorders)
        {
            for (var turn = 0; ; turn++)
            {
                var due = TimeSpan.FromSeconds((index + ((double)turn * _connections.Count)) / perSecond);
                var wait = due - Stopwatch.GetElapsedTime(startedAt);
                if (wait > TimeSpan.Zero)
                    await Task.WhenAny(end, Task.Delay(wait, cancellationToken));
                if (end.IsCompleted)
                    return;
                await ExchangeAsync(connection, requests, requests.AtRandom(), recorders[0], cancellationToken);
            }
        }
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
            connection.Dispose();
    }

    private async Task<IReadOnlyList<Answers>> RunAsync(
        IReadOnlyList<Requests> kinds, Func<HttpConnection, int, Answers.Recorder[], Task> sendAsync, CancellationToken cancellationToken)
    {
        Answers.Recorder[][] recorders = [.. _connections.Select(_ => kinds.Select(_ => new Answers.Recorder()).ToArray())];
        var startedAt = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            _connections.Select((connection, index) => Task.Run(() => sendAsync(connection, index, recorders[index]), cancellationToken)));
        var endedAt = Stopwatch.GetTimestamp();
        return [.. kinds.Select((_, kind) => new Answers(startedAt, endedAt, [.. recorders.Select(own => own[kind])]))];
    }

    private static async ValueTask ExchangeAsync(
        HttpConnection connection,
        Requests requests,
        ReadOnlyMemory<byte> message,
        Answers.Recorder recorder,
        CancellationToken cancellationToken)
    {
        var sentAt = Stopwatch.GetTimestamp();
        var status = await connection.SendAsync(message, cancellationToken);
        recorder.Add(sentAt, Stopwatch.GetTimestamp());
        requests.ThrowUnlessExpected(status);
    }

    /// <summary>Starts with its creation.</summary>
    private sealed class Deadline(TimeSpan length)
    {
        private readonly long _startedAt = Stopwatch.GetTimestamp();

        public bool IsOver => Stopwatch.GetElapsedTime(_startedAt) >= length;
    }
}
