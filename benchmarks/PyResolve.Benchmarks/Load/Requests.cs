namespace PyResolve.Benchmarks.Load;

/// <summary>Prepared requests of one kind, and their expected statuses. Only new ids are filled in when they are sent.</summary>
internal sealed class Requests(string name, IReadOnlyList<Message> messages, params int[] statuses)
{
    private int _next = -1;

    public string Name => name;

    public int Count => messages.Count;

    /// <param name="name">For messages.</param>
    /// <param name="path">The path of the GET requests.</param>
    /// <param name="keys">Sent in turn, or at random.</param>
    /// <param name="statuses">The expected statuses.</param>
    public static Requests Get(string name, string path, IEnumerable<string> keys, params int[] statuses) =>
        new(name, [.. keys.Select(key => Message.Get(path, key))], statuses);

    /// <summary>GET requests without a key.</summary>
    public static Requests Get(string name, string path) => new(name, [Message.Get(path, key: null)], 200);

    /// <param name="name">For messages.</param>
    /// <param name="path">The path of the POST requests.</param>
    /// <param name="keys">Sent at random.</param>
    /// <param name="body">JSON, in which each <see cref="Message.NewId"/> is replaced by a new id each time it is sent.</param>
    public static Requests Post(string name, string path, IEnumerable<string> keys, string body) =>
        new(name, [.. keys.Select(key => Message.Post(path, key, body))], 200);

    public ReadOnlyMemory<byte> AtRandom() => messages[messages.Count == 1 ? 0 : Random.Shared.Next(messages.Count)].ToBytes();

    /// <summary>Every request once.</summary>
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
