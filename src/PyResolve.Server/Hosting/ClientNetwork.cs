using System.Net;
using System.Net.Sockets;

namespace PyResolve.Server.Hosting;

/// <summary>The network that attempts are counted for: an IPv6 host can choose its address from a whole /64.</summary>
internal static class ClientNetwork
{
    private const int IPv6NetworkBytes = 8;

    public static string Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return address.MapToIPv4().ToString();
        if (address.AddressFamily is not AddressFamily.InterNetworkV6)
            return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(IPv6NetworkBytes).Clear();
        return $"{new IPAddress(bytes)}/64";
    }
}
