using System.Diagnostics;

namespace PyResolve.Benchmarks.Load;

/// <summary>Sends requests over keep-alive connections, each of which waits for its answer before it sends the next.</summary>
internal static class LoadGenerator
{
    /// <summary>For <paramref name="length"/>, as fast as the answers come.</summary>
    public static async Task<Answers> RunAsync(
        Uri address, int connections, TimeSpan length, Requests requests, CancellationToken cancellationToken) =>
        (await RunAsync(address, connections, length, [requests], cancellationToken))[0];

    /// <summary>
    /// The same with several kinds, which every connection sends in turn: whatever the machine does meanwhile happens to all of them.
    /// </summary>
    public static async Task<IReadOnlyList<Answers>> RunAsync(
        Uri address, int connections, TimeSpan length, IReadOnlyList<Requests> kinds, CancellationToken cancellationToken)
    {
        var deadline = new Deadline(length);
        return await RunAsync(address, connections, kinds, SendAsync, cancellationToken);

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
    public static async Task<Answers> RunOnceAsync(Uri address, int connections, Requests requests, CancellationToken cancellationToken)
    {
        return (await RunAsync(address, connections, [requests], SendAsync, cancellationToken))[0];

        async Task SendAsync(HttpConnection connection, int index, Answers.Recorder[] recorders)
        {
            while (requests.TryNext(out var message))
                await ExchangeAsync(connection, requests, message, recorders[0], cancellationToken);
        }
    }

    /// <summary>So many a second, evenly, whatever the server does; later ones catch up where it lets them wait.</summary>
    public static async Task<Answers> RunPacedAsync(
        Uri address, int connections, int perSecond, TimeSpan length, Requests requests, CancellationToken cancellationToken)
    {
        var deadline = new Deadline(length);
        var startedAt = Stopwatch.GetTimestamp();
        return (await RunAsync(address, connections, [requests], SendAsync, cancellationToken))[0];

        async Task SendAsync(HttpConnection connection, int index, Answers.Recorder[] recorders)
        {
            for (var turn = 0; !deadline.IsOver; turn++)
            {
                var due = TimeSpan.FromSeconds((index + ((double)turn * connections)) / perSecond) - Stopwatch.GetElapsedTime(startedAt);
                if (due > TimeSpan.Zero)
                    await Task.Delay(due, cancellationToken);
                await ExchangeAsync(connection, requests, requests.AtRandom(), recorders[0], cancellationToken);
            }
        }
    }

    private static async Task<IReadOnlyList<Answers>> RunAsync(
        Uri address,
        int connections,
        IReadOnlyList<Requests> kinds,
        Func<HttpConnection, int, Answers.Recorder[], Task> sendAsync,
        CancellationToken cancellationToken)
    {
        var open = new List<HttpConnection>(connections);
        try
        {
            for (var i = 0; i < connections; i++)
                open.Add(await HttpConnection.OpenAsync(address, cancellationToken));

            Answers.Recorder[][] recorders = [.. open.Select(_ => kinds.Select(_ => new Answers.Recorder()).ToArray())];
            var startedAt = Stopwatch.GetTimestamp();
            await Task.WhenAll(open.Select((connection, index) => Task.Run(() => sendAsync(connection, index, recorders[index]), cancellationToken)));
            var endedAt = Stopwatch.GetTimestamp();
            return [.. kinds.Select((_, kind) => Answers.Of(startedAt, endedAt, recorders.Select(own => own[kind])))];
        }
        finally
        {
            foreach (var connection in open)
                connection.Dispose();
        }
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
