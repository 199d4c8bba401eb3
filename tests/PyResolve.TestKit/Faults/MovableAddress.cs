using System.Net;
using System.Net.Sockets;

namespace PyResolve.TestKit;

/// <summary>
/// A port that leads to another server from a moment on, as a host name does in a failover: open connections stay where they are, new ones
/// reach the new server. Thread-safe.
/// </summary>
public sealed class MovableAddress : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _accepting;
    private volatile int _targetPort;

    public MovableAddress(int targetPort)
    {
        _targetPort = targetPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void MoveTo(int targetPort) => _targetPort = targetPort;

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _accepting;
        _listener.Stop();
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ConnectAsync(await _listener.AcceptTcpClientAsync(_ended.Token), _targetPort);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }

    private async Task ConnectAsync(TcpClient client, int port)
    {
        using var server = new TcpClient();
        try
        {
            using (client)
            {
                await server.ConnectAsync(IPAddress.Loopback, port, _ended.Token);
                await Task.WhenAny(
                    client.GetStream().CopyToAsync(server.GetStream(), _ended.Token),
                    server.GetStream().CopyToAsync(client.GetStream(), _ended.Token));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException)
        {
            // One of the two is gone.
        }
    }
}
