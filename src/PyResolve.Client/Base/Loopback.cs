using System.Net;

namespace PyResolve.Client;

/// <summary>Whether an address is this machine's own, by its text alone. <c>Uri.IsLoopback</c> also accepts the name "loopback",
/// which a name server may answer with any address, and <see cref="Uri.Host"/> shows it as "localhost".</summary>
internal static class Loopback
{
    public static bool Is(Uri url)
    {
        if (url.HostNameType is not (UriHostNameType.IPv4 or UriHostNameType.IPv6))
            return HostAsWritten(url).ToUpperInvariant() is "LOCALHOST" or "LOCALHOST.";
        return IPAddress.TryParse(url.DnsSafeHost, out var address) && Is(address);
    }

    /// <summary>The host for people to read: "loopback" stays that.</summary>
    public static string ShownHost(Uri url) => url.Host == "localhost" ? HostAsWritten(url) : url.Host;

    private static string HostAsWritten(Uri url)
    {
        var text = url.OriginalString.Trim();
        var authority = text.Substring(text.IndexOf(':') + 1).TrimStart('/', '\\').Split('/', '\\', '?', '#')[0];
        return authority.Substring(authority.LastIndexOf('@') + 1).Split(':')[0];
    }

    private static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return IPAddress.IsLoopback(address.MapToIPv4());
        // Compared by its bytes: the zone in [::1%lo] does not count.
        return IPAddress.IsLoopback(address) || IPAddress.IsLoopback(new IPAddress(address.GetAddressBytes()));
    }
}
