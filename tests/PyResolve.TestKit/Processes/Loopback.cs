using System.Net;
using System.Net.Sockets;

namespace PyResolve.TestKit;

/// <summary>Ports of this machine.</summary>
public static class Loopback
{
    /// <summary>
    /// A free port. It is below the range that systems use for outgoing connections (from 32768 on), so that none of those takes it before
    /// it is used, or while the server that uses it restarts.
    /// </summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 32_000);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException failure) when (failure.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
            }
        }
    }
}
