using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Doctor;

/// <summary>Whether the proxy in front of the server says who asks, and how, by what the server saw of a request through it.</summary>
internal sealed class ProxyCheck(ServerOptions options, IConfiguration configuration, IOptions<ForwardedHeadersOptions> forwarded)
{
    /// <summary>Reserved for documentation (RFC 5737): no request comes from there.</summary>
    public const string ForgedAddress = "192.0.2.1";

    private const string About = "Proxy";

    /// <summary>The server itself takes http alone.</summary>
    public bool IsBehindProxy => options.PublicUrl?.Scheme == Uri.UriSchemeHttps;

    /// <summary>Where none is trusted, the settings alone say what is wrong.</summary>
    public bool IsNeeded => forwarded.Value.ForwardedHeaders is not ForwardedHeaders.None;

    /// <summary>
    /// Must come from a proxy alone. null: <c>X-Forwarded-For</c>, to which the proxy adds, so that what it was sent does not count.
    /// </summary>
    public string? ClientAddressHeader => ServerOptions.Text(configuration, TrustedProxies.HeaderSetting);

    public Finding Describe(SeenRequest seen, Uri url)
    {
        // A unix socket has no address of its own.
        var isForwarded = seen.Proxy is not null
            || (seen.Address is not null && ListeningAddress.Of(configuration).All(static one => BindingAddress.Parse(one).IsUnixPipe));
        var proxy = seen.Proxy is null ? "" : $" {seen.Proxy}";
        if (!isForwarded && IsBehindProxy)
        {
            return new(
                About, HealthState.Bad,
                $"The server takes {seen.Address ?? "nobody"} for who asks, which is a proxy that is not trusted or does not name its "
                + "clients: all people together have the limits of one.",
                $"Add {seen.Address ?? "any address"} or its network to {TrustedProxies.Setting}, and let the proxy send "
                + $"{forwarded.Value.ForwardedForHeaderName}.");
        }

        // A proxy that has the client's address from the one before it, and adds it as its own client's, names it twice.
        if (isForwarded && seen.Before is not null && seen.Before != seen.Address)
        {
            return new(
                About, HealthState.Bad,
                $"The server takes {seen.Address} for who asks, and that is another proxy: it was asked by {seen.Before}. All people who "
                + "come through it together have the limits of one.",
                $"Set {TrustedProxies.HeaderSetting} to the header in which the outer proxy names its client, or add that proxy to "
                + $"{TrustedProxies.Setting}.");
        }

        if (seen.Scheme != url.Scheme)
        {
            return new(
                About, HealthState.Bad, $"People use {url.Scheme}, and the server sees {seen.Scheme}: the proxy{proxy} does not say so.",
                $"Let the proxy send X-Forwarded-Proto, with {url.Scheme}.");
        }

        return new(
            About, HealthState.Good,
            isForwarded
                ? $"Through the proxy{proxy} the server sees this machine as {seen.Address}, over {seen.Scheme}."
                : $"No proxy was on the way: the server sees this machine as {seen.Address}, over {seen.Scheme}.");
    }

    public static Finding ForgedIsTaken(string header, Uri url) => new(
        About, HealthState.Bad,
        $"A request to {url} that says {header}: {ForgedAddress} is taken for one from there: anybody can choose their address.",
        $"Let the proxy set {header} itself, or remove what it is sent. If another proxy before it sets that header, let it accept "
        + "connections of that one alone.");

    public static Finding NotTested(string why, Uri url) => new(
        About, HealthState.Look, $"Not tested: whether the proxy says who asks. {why}",
        $"Set PyResolve:RequestLog to true, open {url} from elsewhere, and compare the address in the log with the one that you have "
        + "there.");
}
