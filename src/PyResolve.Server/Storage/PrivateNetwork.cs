using System.Net;

namespace PyResolve.Server.Storage;

/// <summary>Names and addresses of machines that the open internet does not reach.</summary>
internal static class PrivateNetwork
{
    // .internal is reserved for private networks, and .local for a link and for clusters of Kubernetes. Fly has .flycast.
    private static readonly string[] Domains = [".internal", ".local", ".flycast"];

    private static readonly IPNetwork[] Networks =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"),
        // Of providers, behind their address translation.
        IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("fc00::/7"), IPNetwork.Parse("fe80::/10"),
    ];

    /// <param name="host">With or without a port.</param>
    public static bool Has(string host)
    {
        if (IPEndPoint.TryParse(host, out var endpoint))
            return Networks.Any(network => network.Contains(Plain(endpoint.Address)));
        var name = host.Split(':')[0].TrimEnd('.');
        return !name.Contains('.') || Array.Exists(Domains, domain => name.EndsWith(domain, StringComparison.OrdinalIgnoreCase));
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
