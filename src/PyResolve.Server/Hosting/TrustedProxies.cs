using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace PyResolve.Server.Hosting;

internal static class TrustedProxies
{
    private const string Setting = "PyResolve:TrustedProxies";

    /// <summary>
    /// <c>PyResolve:TrustedProxies</c>: addresses and networks, such as <c>10.0.0.7, 192.168.0.0/16</c>, whose <c>X-Forwarded-For</c> and
    /// <c>X-Forwarded-Proto</c> say where a request came from. From other addresses these headers are ignored.
    /// </summary>
    public static IServiceCollection AddTrustedProxies(this IServiceCollection services, IConfiguration configuration)
    {
        var entries = Entries(configuration.GetSection(Setting)).ToList();
        var addresses = new List<IPAddress>();
        var networks = new List<IPNetwork>();
        foreach (var entry in entries)
        {
            if (IPAddress.TryParse(entry, out var address))
                addresses.Add(address);
            else if (IPNetwork.TryParse(entry, out var network))
                networks.Add(network);
            else
                throw new InvalidConfigurationException(
                    $"In {Setting}, an entry is {ServerOptions.Quote(entry)}; it lists "
                    + "addresses and networks, such as 10.0.0.7 or 192.168.0.0/16.");
        }

        return services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = entries.Count > 0
                ? ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto
                : ForwardedHeaders.None;
            // As many hops as are trusted: the first address that is not is the client's.
            options.ForwardLimit = null;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var address in addresses)
                options.KnownProxies.Add(address);
            foreach (var network in networks)
                options.KnownIPNetworks.Add(network);
        });
    }

    private static IEnumerable<string> Entries(IConfigurationSection section) => section.Value is { } list
        ? list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        : section.GetChildren().Select(child => child.Value?.Trim()).OfType<string>().Where(entry => entry.Length > 0);
}
