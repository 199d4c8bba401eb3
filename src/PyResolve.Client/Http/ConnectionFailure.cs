using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace PyResolve.Client;

/// <summary>What an exception of the HTTP client or of a message handler says, as a <see cref="PyResolveException"/>: whether the server
/// or a proxy is at fault, and never a user name or password of a URL.</summary>
/// <param name="root">The server's address.</param>
/// <param name="connectTimeout">The time limit of connecting, if this client has set it.</param>
/// <param name="findProxy">The proxy in use, without credentials.</param>
internal sealed class ConnectionFailure(string root, TimeSpan? connectTimeout, Func<Uri?> findProxy)
{
    private const string Check = "Check the network, or PYRESOLVE_API_URL if the server is elsewhere.";
    private const string CheckProxy =
        "Check the proxy: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY or the option Proxy has its address, and NO_PROXY the servers without one.";

    // HttpClient lets a SocketException through when the other side closes a connection while it is being made.
    public static bool Is(Exception exception) => exception is HttpRequestException or IOException or SocketException;

    public PyResolveException Describe(Exception exception)
    {
        var failure = Explain(exception);
        failure.IsUnsent = IsBeforeSending(exception);
        return failure;
    }

    private PyResolveException Explain(Exception exception)
    {
        if (Find<RepeatedSendException>(exception) is { } repeated)
            exception = repeated.InnerException ?? repeated;
        if (Find<PyResolveException>(exception) is { } own)
            return own;
        if (Chain(exception).Select(ProxyOf).FirstOrDefault(static found => found is not null) is { } unreachable)
            return Unreachable($"Cannot reach the proxy {unreachable} on the way to {root} ({Cause(exception)}).", CheckProxy, exception);
        if (TunnelStatus(exception) is { } status)
            return ProxyRefused(status == 0 ? null : status, exception);
        if (exception is OperationCanceledException && Find<TimeoutException>(exception) is not null && connectTimeout is { } limit)
            return Unreachable($"Cannot reach {root}{Through} (no connection within {limit.TotalSeconds:0.###} s).", Advice, exception);
        if (exception is OperationCanceledException)
            return new(PyResolveErrorCodes.Timeout, $"{root} did not answer in time: the HTTP client gave up.", Check, Safe(exception));
        return Is(exception)
            ? Unreachable($"Cannot reach {root}{Through} ({Cause(exception)}).", Advice, exception)
            : Unreachable(
                $"Cannot send to {root}: {exception.GetType().Name} ({Redaction.Line(exception.Message)}).",
                "It comes from a message handler of this program, or from its HttpClient.", exception);
    }

    /// <summary>No answer within the time limit of a call.</summary>
    public PyResolveException TimedOut(TimeSpan limit) => new(
        PyResolveErrorCodes.Timeout,
        $"{root} did not answer within {limit.TotalSeconds:0.###} s{Through}.",
        findProxy() is null ? "Try again, or check the network and PYRESOLVE_API_URL." : $"Try again. {CheckProxy}");

    public PyResolveException ProxyRefused(int? status, Exception? exception = null)
    {
        var (why, hint) = status switch
        {
            407 => (
                "407: it asks for a user name and a password, or does not accept those it got",
                "Write them into the proxy's address, as http://user:password@host:port, in HTTPS_PROXY or the option Proxy."),
            403 => ("403: it does not allow it", "Ask its operator to allow the server, or name the server in NO_PROXY."),
            >= 500 => (status.Value.ToString(CultureInfo.InvariantCulture) + ": it cannot reach the server", CheckProxy),
            { } other => (other.ToString(CultureInfo.InvariantCulture), CheckProxy),
            null => (exception is null ? "no reason" : Cause(exception.InnerException ?? exception), CheckProxy),
        };
        var name = findProxy() is { } proxy ? $"The proxy {Name(proxy)}" : "The proxy";
        return new(
            status is null ? PyResolveErrorCodes.Unreachable : PyResolveErrorCodes.UnexpectedAnswer,
            $"{name} made no connection to {root} ({why}).", hint, exception is null ? null : Safe(exception)) { Status = status };
    }

    /// <summary>Whether there was no connection that could have carried the request. A handler that sends it again may have had one
    /// before.</summary>
    private bool IsBeforeSending(Exception exception) =>
        Find<RepeatedSendException>(exception) is null
        && (HasNoConnection(exception)
            || (exception is OperationCanceledException && connectTimeout is not null
                // The framework says only here that it was not the limit of the HTTP client.
                && Find<TimeoutException>(exception) is { } late && late.Message.Contains("ConnectTimeout")));

    private string Through => findProxy() is { } proxy ? $" through the proxy {Name(proxy)}" : "";

    private string Advice => findProxy() is null ? Check : CheckProxy;

    /// <summary>As people write it: <c>http://proxy.example:3128</c>.</summary>
    public static string Name(Uri proxy) => proxy.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);

    private static PyResolveException Unreachable(string cause, string hint, Exception exception) =>
        new(PyResolveErrorCodes.Unreachable, cause, hint, Safe(exception));

    private static string Cause(Exception exception)
    {
        foreach (var inner in Chain(exception))
        {
            switch (inner)
            {
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return "connection refused";
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }:
                case WebException { Status: WebExceptionStatus.NameResolutionFailure or WebExceptionStatus.ProxyNameResolutionFailure }:
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

    /// <summary>The exception itself, to be logged; a copy of its message alone if its text has a password.</summary>
    private static Exception Safe(Exception exception) =>
        Redaction.IsSafe(exception.ToString()) ? exception : new HttpRequestException(Redaction.Line(exception.Message));

    private static T? Find<T>(Exception exception)
        where T : Exception => Chain(exception).OfType<T>().FirstOrDefault();

    private static IEnumerable<Exception> Chain(Exception exception)
    {
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
            yield return inner;
    }

#if NET
    private static bool HasNoConnection(Exception exception) => Chain(exception).OfType<HttpRequestException>().Any(static failure =>
        failure.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError);

    private static string? ProxyOf(Exception exception) => AddressRace.ProxyOf(exception);

    /// <summary>The status with which a proxy refused a tunnel; 0 for a proxy that failed otherwise, such as a SOCKS proxy.</summary>
    private static int? TunnelStatus(Exception exception)
    {
        var refused = Chain(exception).OfType<HttpRequestException>()
            .FirstOrDefault(static failure => failure.HttpRequestError == HttpRequestError.ProxyTunnelError);
        if (refused is null)
            return null;
        if (refused.StatusCode is { } status)
            return (int)status;
        // The framework names the status in its message only.
        var digits = refused.Message.Split('\'').FirstOrDefault(
            static part => part.Length == 3 && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        return digits is null ? 0 : int.Parse(digits, CultureInfo.InvariantCulture);
    }
#else
    private static bool HasNoConnection(Exception exception) => Chain(exception).Any(static inner =>
        inner is SocketException
        {
            SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain
        }
        or WebException
        {
            Status: WebExceptionStatus.ConnectFailure or WebExceptionStatus.NameResolutionFailure
                or WebExceptionStatus.ProxyNameResolutionFailure or WebExceptionStatus.TrustFailure
        });

    private string? ProxyOf(Exception exception)
    {
        var isConnect = exception
            is WebException { Status: WebExceptionStatus.ProxyNameResolutionFailure or WebExceptionStatus.ConnectFailure }
            or SocketException
            {
                SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain
                    or SocketError.TimedOut or SocketError.NetworkUnreachable or SocketError.HostUnreachable
            };
        return isConnect && findProxy() is { } proxy ? $"{proxy.IdnHost}:{proxy.Port}" : null;
    }

    private static int? TunnelStatus(Exception exception)
    {
        if (Find<WebException>(exception) is { Response: HttpWebResponse { StatusCode: HttpStatusCode.ProxyAuthenticationRequired } })
            return (int)HttpStatusCode.ProxyAuthenticationRequired;
        // Where .NET runs this build: its message is all that says so.
        var message = Chain(exception).Select(static inner => inner.Message)
            .FirstOrDefault(static text => text.IndexOf("proxy tunnel", StringComparison.OrdinalIgnoreCase) >= 0);
        var digits = message?.Split('\'').FirstOrDefault(
            static part => part.Length == 3 && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        return digits is null ? null : int.Parse(digits, CultureInfo.InvariantCulture);
    }
#endif
}
