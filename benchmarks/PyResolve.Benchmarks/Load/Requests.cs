namespace PyResolve.Benchmarks.Load;

/// <summary>Requests of one kind, written out beforehand but for the ids of what they store, and the statuses that they may be answered with.</summary>
internal sealed class Requests(string name, IReadOnlyList<Message> messages, params int[] statuses)
{
    private int _next = -1;

    public string Name => name;

    public int Count => messages.Count;

    /// <param name="name">In messages.</param>
    /// <param name="path">What is asked for.</param>
    /// <param name="keys">Sent in turn, or at random.</param>
    /// <param name="statuses">What may be answered.</param>
    public static Requests Get(string name, string path, IEnumerable<string> keys, params int[] statuses) =>
        new(name, [.. keys.Select(key => Message.Get(path, key))], statuses);

    /// <summary>Without a key.</summary>
    public static Requests Get(string name, string path) => new(name, [Message.Get(path, key: null)], 200);

    /// <param name="name">In messages.</param>
    /// <param name="path">Where it goes.</param>
    /// <param name="keys">Sent at random.</param>
    /// <param name="body">JSON, in which each <see cref="Message.FreshId"/> becomes another id whenever it is sent.</param>
    public static Requests Post(string name, string path, IEnumerable<string> keys, string body) =>
        new(name, [.. keys.Select(key => Message.Post(path, key, body))], 200);

    public ReadOnlyMemory<byte> AtRandom() => messages[messages.Count == 1 ? 0 : Random.Shared.Next(messages.Count)].ToBytes();

    /// <summary>Each once.</summary>
    public bool TryNext(out ReadOnlyMemory<byte> message)
    {
        var next = Interlocked.Increment(ref _next);
        message = next < messages.Count ? messages[next].ToBytes() : default;
        return next < messages.Count;
    }

    public void ThrowUnlessExpected(int status)
    {
        if (!statuses.Contains(status))
            throw new InvalidOperationException($"{name}: the server answered {status}.");
    }
}
