using System.Diagnostics;

namespace PyResolve.Benchmarks.Load;

/// <summary>
/// Sends requests over keep-alive connections, each of which waits for its answer before it sends the next. They stay open between runs,
/// so that a short run measures requests and not the opening of connections.
/// </summary>
internal sealed class LoadGenerator : IDisposable
{
    /// <summary>An environment variable, which the runtime looks at when a process first waits for a socket. Not for the servers.</summary>
    public const string ReadsAtOnce = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

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

    /// <summary>For <paramref name="length"/>, as fast as the answers come.</summary>
    public async Task<Answers> RunAsync(TimeSpan length, Requests requests, CancellationToken cancellationToken) =>
        (await RunAsync(length, [requests], cancellationToken))[0];

    /// <summary>
    /// The same with several kinds, which every connection sends in turn: whatever the machine does meanwhile happens to all of them.
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

    /// <summary>Every request once.</summary>
    public async Task<Answers> RunOnceAsync(Requests requests, CancellationToken cancellationToken)
    {
        return (await RunAsync([requests], SendAsync, cancellationToken))[0];

        async Task SendAsync(HttpConnection connection, int index, Answers.Recorder[] recorders)
        {
            while (requests.TryNext(out var message))
                await ExchangeAsync(connection, requests, message, recorders[0], cancellationToken);
        }
    }

    /// <summary>So many a second, evenly, until <paramref name="end"/>, whatever the server does; later ones catch up where it lets them wait.</summary>
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
        await Task.WhenAll(_connections.Select((connection, index) => Task.Run(() => sendAsync(connection, index, recorders[index]), cancellationToken)));
        var endedAt = Stopwatch.GetTimestamp();
        return [.. kinds.Select((_, kind) => new Answers(startedAt, endedAt, [.. recorders.Select(own => own[kind])]))];
    }

    private static async ValueTask ExchangeAsync(
        HttpConnection connection, Requests requests, ReadOnlyMemory<byte> message, Answers.Recorder recorder, CancellationToken cancellationToken)
    {
        var sentAt = Stopwatch.GetTimestamp();
        var status = await connection.SendAsync(message, cancellationToken);
        recorder.Add(sentAt, Stopwatch.GetTimestamp());
        requests.ThrowUnlessExpected(status);
    }

    /// <summary>Begins when it is made.</summary>
    private sealed class Deadline(TimeSpan length)
    {
        private readonly long _startedAt = Stopwatch.GetTimestamp();

        public bool IsOver => Stopwatch.GetElapsedTime(_startedAt) >= length;
    }
}
