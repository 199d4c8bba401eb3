using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace PyResolve.Server.Hosting;

internal static partial class TrustedProxies
{
    public const string Setting = "PyResolve:TrustedProxies";
    public const string HeaderSetting = "PyResolve:ClientAddressHeader";

    /// <summary>
    /// <c>PyResolve:TrustedProxies</c>: addresses and networks, such as <c>10.0.0.7, 192.168.0.0/16</c>, whose <c>X-Forwarded-For</c> and
    /// <c>X-Forwarded-Proto</c> say where a request came from. <c>PyResolve:ClientAddressHeader</c>: the header in which they say it in
    /// place of <c>X-Forwarded-For</c>. From other addresses these headers are ignored.
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

        var header = ReadHeader(configuration, hasProxies: entries.Count > 0);
        return services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = entries.Count > 0
                ? ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto
                : ForwardedHeaders.None;
            options.ForwardedForHeaderName = header ?? options.ForwardedForHeaderName;
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

    public static void UseTrustedProxies(this WebApplication app)
    {
        // A list, or what is no address, was put together by somebody else than the proxy that sets this header.
        if (ServerOptions.Text(app.Configuration, HeaderSetting) is { } header)
        {
            app.Use((http, next) =>
            {
                if (http.Request.Headers[header] is not [{ } value] || !IsAddress(value))
                    http.Request.Headers.Remove(header);
                return next(http);
            });
        }

        app.UseForwardedHeaders();
    }

    private static string? ReadHeader(IConfiguration configuration, bool hasProxies)
    {
        if (ServerOptions.Text(configuration, HeaderSetting) is not { } header)
            return null;
        if (!HeaderName().IsMatch(header))
        {
            throw new InvalidConfigurationException(
                $"{HeaderSetting} is {ServerOptions.Quote(header)}; it is the name of a header, such as CF-Connecting-IP.");
        }

        return hasProxies
            ? header
            : throw new InvalidConfigurationException(
                $"{HeaderSetting} is set, and {Setting} is not: anybody could send that header. Set {Setting} to the address or network of "
                + "the proxy that sends it.");
    }

    private static bool IsAddress(string text) => IPAddress.TryParse(text, out var address)
        && (address.AddressFamily is AddressFamily.InterNetworkV6
            ? text.AsSpan().IndexOfAny("[%") < 0
            : address.ToString() == text);

    private static IEnumerable<string> Entries(IConfigurationSection section) => section.Value is { } list
        ? list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        : section.GetChildren().Select(child => child.Value?.Trim()).OfType<string>().Where(entry => entry.Length > 0);

    [GeneratedRegex(@"^[A-Za-z0-9-]{1,64}\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex HeaderName();
}
