using System.Net;
using System.Net.Sockets;

namespace PyResolve.Server.Hosting;

/// <summary>Whom an address counts as, where attempts are counted: an IPv6 host has a whole /64 to choose its address from.</summary>
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
