using System.Text;

namespace PyResolve.Benchmarks.Load;

/// <summary>Requests of one kind, written out beforehand, and the statuses that they may be answered with.</summary>
internal sealed class Requests(string name, IReadOnlyList<ReadOnlyMemory<byte>> messages, params int[] statuses)
{
    private int _next = -1;

    public string Name => name;

    public int Count => messages.Count;

    /// <param name="name">In messages.</param>
    /// <param name="path">What is asked for.</param>
    /// <param name="keys">Sent in turn, or at random.</param>
    /// <param name="statuses">What may be answered.</param>
    public static Requests Get(string name, string path, IEnumerable<string> keys, params int[] statuses) =>
        new(name, [.. keys.Select(key => Message(path, $"X-API-Key: {key}\r\n"))], statuses);

    /// <summary>Without a key.</summary>
    public static Requests Get(string name, string path) => new(name, [Message(path, "")], 200);

    public ReadOnlyMemory<byte> AtRandom() => messages.Count == 1 ? messages[0] : messages[Random.Shared.Next(messages.Count)];

    /// <summary>Each once.</summary>
    public bool TryNext(out ReadOnlyMemory<byte> message)
    {
        var next = Interlocked.Increment(ref _next);
        message = next < messages.Count ? messages[next] : default;
        return next < messages.Count;
    }

    public void ThrowUnlessExpected(int status)
    {
        if (!statuses.Contains(status))
            throw new InvalidOperationException($"{name}: the server answered {status}.");
    }

    private static ReadOnlyMemory<byte> Message(string path, string headers) =>
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{headers}\r\n");
}
