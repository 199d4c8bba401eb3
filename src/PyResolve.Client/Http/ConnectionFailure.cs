using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace PyResolve.Client;

internal static class ConnectionFailure
{
    // HttpClient lets a SocketException through when the other side closes a connection while it is being made.
    public static bool Is(Exception exception) => exception is HttpRequestException or IOException or SocketException;

    public static PyResolveException Describe(string root, Exception exception) => new(
        PyResolveErrorCodes.Unreachable,
        $"Cannot reach {root} ({Cause(exception)}).",
        "Check the network, or PYRESOLVE_API_URL if the server is elsewhere.",
        exception);

    private static string Cause(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return "connection refused";
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }:
                case WebException { Status: WebExceptionStatus.NameResolutionFailure }:
                    return "no such host";
                case SocketException { SocketErrorCode: SocketError.TimedOut }:
                    return "connection timed out";
                case SocketException { SocketErrorCode: SocketError.NetworkUnreachable or SocketError.HostUnreachable }:
                    return "no route to host";
                case SocketException { SocketErrorCode: SocketError.ConnectionReset }:
                    return "connection reset";
                case AuthenticationException:
                    return "its TLS certificate is not trusted";
                case IOException:
                    return "the connection broke";
            }
        }

        return Redaction.Line(exception.Message) ?? "no connection";
    }
}
