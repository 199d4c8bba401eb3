using System.Net;
using System.Net.Sockets;

namespace PyResolve.SeedCli.Tests;

/// <summary>An address that refuses connections until disposal: the port is bound, but nothing listens on it.</summary>
internal sealed class StoppedServer : IDisposable
{
    private readonly Socket _port = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public StoppedServer()
    {
        _port.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Address = new Uri($"http://{_port.LocalEndPoint}");
    }

    public Uri Address { get; }

    public void Dispose() => _port.Dispose();
}
