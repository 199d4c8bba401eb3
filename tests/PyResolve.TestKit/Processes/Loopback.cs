using System.Net;
using System.Net.Sockets;

namespace PyResolve.TestKit;

internal static class Loopback
{
    /// <summary>
    /// A port that nobody listens on. It lies below the range that systems give to outgoing connections (from 32768 on), so that none of
    /// those takes it between now and its use, or while a server that is to come back on it is down.
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
