using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using PyResolve.Client.Wire;
using PyResolve.Client;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;

namespace PyResolve.Server.Pages;

/// <summary>
/// Refuses forms of other sites: checks <c>Sec-Fetch-Site</c>, or compares <c>Origin</c> with our own addresses. A request with neither is
/// refused.
/// </summary>
internal sealed class SameOrigin(PublicUrl publicUrl, IServer server)
{
    public static bool IsLoopbackHttp(Uri origin) => origin.Scheme == Uri.UriSchemeHttp && Loopback.Is(origin);

    public static Uri? OriginOf(HttpContext http) =>
        Uri.TryCreate(http.Request.Headers.Origin, UriKind.Absolute, out var origin) ? origin : null;

    public void Require(HttpContext http)
    {
        if (!IsSameOrigin(http))
        {
            http.ReportRefusal(SecurityEvents.CrossOriginRefused);
            throw new ProblemException(Problems.Forbidden(
                ProblemCodes.CrossOrigin,
                "This form was not sent from this site. Open the page itself, in a browser that names the site in Sec-Fetch-Site or "
                + "Origin, and send it from there."));
        }
    }

    private bool IsSameOrigin(HttpContext http) => http.Request.Headers["Sec-Fetch-Site"].ToString() switch
    {
        "same-origin" => true,
        "" => OriginOf(http) is { } origin && OwnOrigins().Any(own => AreSame(own, origin)),
        _ => false,
    };

    private IEnumerable<Uri> OwnOrigins()
    {
        yield return new Uri(publicUrl.Value);
        foreach (var address in server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [])
        {
            if (Uri.TryCreate(address, UriKind.Absolute, out var own))
                yield return own;
        }
    }

    // This machine has several names: localhost, 127.0.0.1, ::1.
    private static bool AreSame(Uri own, Uri origin) =>
        own.Scheme == origin.Scheme
        && own.Port == origin.Port
        && (own.IdnHost.Equals(origin.IdnHost, StringComparison.OrdinalIgnoreCase) || (Loopback.Is(origin) && IsThisMachine(own)));

    private static bool IsThisMachine(Uri own) =>
        Loopback.Is(own)
        || (IPAddress.TryParse(own.IdnHost, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)));
}
