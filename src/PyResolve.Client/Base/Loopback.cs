using System.Net;

namespace PyResolve.Client;

/// <summary>Whether an address is this machine's own, by its text alone. <see cref="Uri.IsLoopback"/> also accepts the name "loopback",
/// which a name server may answer with any address.</summary>
internal static class Loopback
{
    public static bool Is(Uri url)
    {
        if (url.HostNameType is not (UriHostNameType.IPv4 or UriHostNameType.IPv6))
            return IsLocalhost(url.IdnHost);
        return IPAddress.TryParse(url.DnsSafeHost, out var address) && Is(address);
    }

    private static bool IsLocalhost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.Equals("localhost.", StringComparison.OrdinalIgnoreCase);

    private static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return IPAddress.IsLoopback(address.MapToIPv4());
        // Compared by its bytes: the zone in [::1%lo] does not count.
        return IPAddress.IsLoopback(address) || IPAddress.IsLoopback(new IPAddress(address.GetAddressBytes()));
    }
}
