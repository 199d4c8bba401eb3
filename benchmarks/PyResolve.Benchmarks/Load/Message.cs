using System.Text;

namespace PyResolve.Benchmarks.Load;

/// <summary>One request as bytes.</summary>
internal sealed class Message
{
    /// <summary>A placeholder in a body, replaced by a new id each time the request is sent.</summary>
    public const string NewId = "00000000-0000-0000-0000-000000000000";

    private readonly byte[] _bytes;
    private readonly int[] _idsAt;

    private Message(string text)
    {
        _bytes = Encoding.ASCII.GetBytes(text);
        _idsAt = [.. FindIds(text)];
    }

    public static Message Get(string path, string? key) =>
        new($"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{(key is null ? "" : $"X-API-Key: {key}\r\n")}\r\n");

    public static Message Post(string path, string key, string body) => new(
        $"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nX-API-Key: {key}\r\n"
        + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");

    public ReadOnlyMemory<byte> ToBytes()
    {
        if (_idsAt.Length == 0)
            return _bytes;
        byte[] bytes = [.. _bytes];
        var now = TimeProvider.System.GetUtcNow();
        foreach (var at in _idsAt)
            Guid.CreateVersion7(now).TryFormat(bytes.AsSpan(at), out _);
        return bytes;
    }

    private static IEnumerable<int> FindIds(string text)
    {
        for (var at = text.IndexOf(NewId, StringComparison.Ordinal); at >= 0; at = text.IndexOf(
            NewId, at + NewId.Length, StringComparison.Ordinal))
            yield return at;
    }
}
