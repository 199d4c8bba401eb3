using System.Collections.Concurrent;
using System.Net;

namespace PyResolve.Client;

/// <summary>A proxy whose address is used without the user name and the password that it may contain: exceptions and traces of the
/// framework quote the address. Thread-safe.</summary>
internal sealed class ServerProxy(IWebProxy proxy) : IWebProxy, ICredentials
{
    private readonly ConcurrentDictionary<string, NetworkCredential> _found = new(StringComparer.OrdinalIgnoreCase);

    public ICredentials? Credentials
    {
        get => this;
        set => proxy.Credentials = value;
    }

    /// <summary>The proxy between this machine and the servers: the option's, or else the system's. A server on this machine is never
    /// asked through a proxy.</summary>
    public static IWebProxy? Of(ClientSettings settings)
    {
        if (settings.ApiUrls.All(Loopback.Is))
            return null;
        if (settings.Proxy is { } own)
            return new ServerProxy(own);
        var system = SystemProxy();
        // The framework's own is left as it is when its address has no credentials: it may know several proxies.
        return system is null
            || (system.GetType().Assembly == typeof(HttpClient).Assembly && settings.ApiUrls.All(url => IsPlain(system, url)))
            ? system
            : new ServerProxy(system);
    }

    /// <summary>The proxy's address without credentials; <see langword="null"/> when there is none, or it cannot be determined.</summary>
    public static Uri? AddressFor(ClientSettings settings, Uri server)
    {
        try
        {
            return Of(settings) is { } proxy && !proxy.IsBypassed(server) && proxy.GetProxy(server) is { } address
                && address.IsAbsoluteUri && address != server ? Redaction.WithoutUserInfo(address) : null;
        }
        catch (Exception)
        {
            // The host's own proxy; a request reports the same failure.
            return null;
        }
    }

    public bool IsBypassed(Uri host) => Loopback.Is(host) || proxy.IsBypassed(host);

    public Uri? GetProxy(Uri destination)
    {
        var address = proxy.GetProxy(destination);
        if (address is not { IsAbsoluteUri: true, UserInfo.Length: > 0 })
            return address;
        var parts = address.UserInfo.Split([':'], 2);
        var safe = Redaction.WithoutUserInfo(address);
        _found[Name(safe)] = new(Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
        return safe;
    }

    public NetworkCredential? GetCredential(Uri uri, string authType) =>
        _found.TryGetValue(Name(uri), out var credential) ? credential : proxy.Credentials?.GetCredential(uri, authType);

    private static bool IsPlain(IWebProxy proxy, Uri destination) =>
        !Loopback.Is(destination) && proxy.GetProxy(destination) is not { IsAbsoluteUri: true, UserInfo.Length: > 0 };

    private static string Name(Uri uri) => uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);

#if NET
    private static IWebProxy? SystemProxy() => HttpClient.DefaultProxy;
#else
    private static IWebProxy? SystemProxy() => WebRequest.DefaultWebProxy;
#endif
}
