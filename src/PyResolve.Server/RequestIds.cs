using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace PyResolve.Server;

/// <summary>
/// A request keeps the id that a trusted proxy gave it in <c>X-Request-Id</c>, so that one id leads through its log, ours, and the problem
/// that a client got. An id that others send is not taken over: it could be somebody else's, and a line of the log is made with it.
/// </summary>
internal static partial class RequestIds
{
    private const string Header = "X-Request-Id";

    /// <summary>Runs before the address of the client takes the place of the proxy's.</summary>
    public static void Use(WebApplication app)
    {
        var trusted = app.Services.GetRequiredService<IOptions<ForwardedHeadersOptions>>().Value;
        if (trusted.ForwardedHeaders is ForwardedHeaders.None)
            return;
        app.Use((http, next) =>
        {
            if (IsTrusted(http.Connection.RemoteIpAddress, trusted) && http.Request.Headers[Header] is [{ } id] && Form().IsMatch(id))
                http.TraceIdentifier = id;
            return next(http);
        });
    }

    /// <summary>
    /// Whether an id in the request is taken over. Over a unix socket there is no address, and only this machine's programs can connect.
    /// </summary>
    private static bool IsTrusted(IPAddress? address, ForwardedHeadersOptions trusted)
    {
        if (address is null)
            return true;
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return trusted.KnownProxies.Contains(plain) || trusted.KnownIPNetworks.Any(network => network.Contains(plain));
    }

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,128}\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Form();
}
