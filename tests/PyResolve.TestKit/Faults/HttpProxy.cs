using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PyResolve.TestKit;

/// <summary>
/// An HTTP proxy on loopback, for tunnels (<c>CONNECT</c>) and plain requests, that can ask for credentials, refuse everything or never
/// answer, and records what it saw. Thread-safe.
/// </summary>
public sealed class HttpProxy : IAsyncDisposable
{
    private const int MaxHeadBytes = 64 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<string> _seen = new();
    private readonly IPEndPoint? _target;
    private readonly Task _acceptLoop;

    private HttpProxy(IPEndPoint? target)
    {
        _target = target;
        _listener.Start();
        _acceptLoop = AcceptAsync();
    }

    /// <summary>Its address, without credentials.</summary>
    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>The user name and the password that it asks for, separated by a colon. Null: it asks for none.</summary>
    public string? Credentials { get; init; }

    /// <summary>The status with which it answers everything. Null: it does its work.</summary>
    public int? Refuses { get; init; }

    /// <summary>Whether it accepts connections and never answers.</summary>
    public bool IsSilent { get; init; }

    /// <summary>The request line and the headers of each request that arrived, refused ones included.</summary>
    public IReadOnlyCollection<string> Seen => _seen;

    /// <param name="target">Where it passes everything, whatever the name. Null: where the request says.</param>
    /// <param name="credentials">As <see cref="Credentials"/>.</param>
    /// <param name="refuses">As <see cref="Refuses"/>.</param>
    /// <param name="isSilent">As <see cref="IsSilent"/>.</param>
    public static HttpProxy Start(Uri? target = null, string? credentials = null, int? refuses = null, bool isSilent = false) =>
        new(target is null ? null : new IPEndPoint(IPAddress.Parse(target.DnsSafeHost), target.Port))
        {
            Credentials = credentials, Refuses = refuses, IsSilent = isSilent,
        };

    /// <summary>Its address with a user name and a password.</summary>
    public Uri AddressFor(string user, string password) =>
        new UriBuilder(Address) { UserName = Uri.EscapeDataString(user), Password = Uri.EscapeDataString(password) }.Uri;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _acceptLoop;
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token), _end.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // It is disposed of.
        }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken cancellationToken)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                while (await ReadHeadAsync(stream, cancellationToken) is { } head)
                {
                    _seen.Enqueue(head);
                    if (IsSilent)
                        await Task.Delay(Timeout.Infinite, cancellationToken);
                    else if (Refusal(head) is { } status)
                        await AnswerAsync(stream, status, cancellationToken);
                    else
                        await PassAsync(stream, head, cancellationToken);
                    if (Refusal(head) is null)
                        return;
                }
            }
            catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
            {
                // One of the sides is gone.
            }
        }
    }

    private int? Refusal(string head)
    {
        if (Refuses is not null)
            return Refuses;
        if (Credentials is null)
            return null;
        var expected = "Proxy-Authorization: Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(Credentials));
        return head.Contains(expected, StringComparison.Ordinal) ? null : 407;
    }

    private async Task PassAsync(NetworkStream client, string head, CancellationToken cancellationToken)
    {
        var lines = head.Split("\r\n");
        var request = lines[0].Split(' ');
        var isTunnel = request[0] == "CONNECT";
        var asked = new Uri(isTunnel ? $"http://{request[1]}" : request[1]);
        using var server = new TcpClient();
        if (_target is null)
            await server.ConnectAsync(asked.DnsSafeHost, asked.Port, cancellationToken);
        else
            await server.ConnectAsync(_target, cancellationToken);
        var upstream = server.GetStream();
        if (isTunnel)
        {
            await WriteAsync(client, "HTTP/1.1 200 Connection established\r\n\r\n", cancellationToken);
        }
        else
        {
            // One request for each connection, so that each is seen.
            var rest = lines.Skip(1)
                .Where(static line => line.Length > 0 && !line.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase));
            var forwarded = string.Join("\r\n", [$"{request[0]} {asked.PathAndQuery} HTTP/1.1", .. rest, "Connection: close"]);
            await WriteAsync(upstream, forwarded + "\r\n\r\n", cancellationToken);
        }

        var back = upstream.CopyToAsync(client, cancellationToken);
        var forth = client.CopyToAsync(upstream, cancellationToken);
        await Task.WhenAny(back, forth);
        if (!isTunnel)
            await back;
    }

    private static Task AnswerAsync(NetworkStream client, int status, CancellationToken cancellationToken)
    {
        const string Page = "<html><body>The proxy says no.</body></html>";
        var challenge = status == 407 ? "Proxy-Authenticate: Basic realm=\"office\"\r\n" : "";
        var length = Page.Length.ToString(CultureInfo.InvariantCulture);
        var code = status.ToString(CultureInfo.InvariantCulture);
        return WriteAsync(
            client,
            $"HTTP/1.1 {code} No\r\n{challenge}Content-Type: text/html\r\nContent-Length: {length}\r\n\r\n{Page}",
            cancellationToken);
    }

    private static async Task WriteAsync(NetworkStream stream, string text, CancellationToken cancellationToken) =>
        await stream.WriteAsync(Encoding.Latin1.GetBytes(text), cancellationToken);

    /// <returns>The text up to the empty line; null at the end of the connection.</returns>
    private static async Task<string?> ReadHeadAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (head.Count < MaxHeadBytes && await stream.ReadAsync(one, cancellationToken) == 1)
        {
            head.Add(one[0]);
            if (head.Count >= 4 && head[^1] == '\n' && head[^3] == '\n')
                return Encoding.Latin1.GetString([.. head]);
        }

        return null;
    }
}
