using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;

namespace PyResolve.Benchmarks.Load;

/// <summary>
/// One keep-alive connection with one request at a time. It parses only the status and the end of the body: an HttpClient would cost more
/// than
/// the server that it measures.
/// </summary>
internal sealed class HttpConnection : IDisposable
{
    private const int LargestAnswer = 1024 * 1024;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _buffer = new byte[4 * 1024];

    private HttpConnection()
    {
    }

    public static async Task<HttpConnection> OpenAsync(Uri address, CancellationToken cancellationToken)
    {
        var connection = new HttpConnection();
        try
        {
            await connection._socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address.Host), address.Port), cancellationToken);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <returns>The status, after the whole answer has arrived.</returns>
    public async ValueTask<int> SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        while (!message.IsEmpty)
            message = message[await _socket.SendAsync(message, SocketFlags.None, cancellationToken)..];

        var filled = 0;
        while (filled < LargestAnswer)
        {
            if (filled == _buffer.Length)
                Array.Resize(ref _buffer, 2 * _buffer.Length);
            var received = await _socket.ReceiveAsync(_buffer.AsMemory(filled), SocketFlags.None, cancellationToken);
            if (received == 0)
                throw new IOException("The server closed the connection.");
            filled += received;
            if (IsComplete(_buffer.AsSpan(0, filled)))
                return Utf8Parser.TryParse(_buffer.AsSpan("HTTP/1.1 ".Length, 3), out int status, out _) ? status : 0;
        }

        throw new IOException("The answer is larger than any that is measured here.");
    }

    public void Dispose() => _socket.Dispose();

    private static bool IsComplete(ReadOnlySpan<byte> answer)
    {
        var headers = answer.IndexOf("\r\n\r\n"u8);
        if (headers < 0)
            return false;
        var body = answer[(headers + 4)..];
        var head = answer[..(headers + 2)];
        if (head.IndexOf("\r\nContent-Length: "u8) is var at and >= 0)
            return Utf8Parser.TryParse(head[(at + "\r\nContent-Length: ".Length)..], out int length, out _) && body.Length >= length;
        // The JSON has no line breaks, and nothing follows before the next request: the data ends with the last chunk.
        return head.IndexOf("\r\nTransfer-Encoding: chunked"u8) < 0 || answer.EndsWith("\r\n0\r\n\r\n"u8);
    }
}
