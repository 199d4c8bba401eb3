using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace PyResolve.Client;

/// <summary>The client's HTTP settings. Redirects are not followed, because they would send the key to another server.</summary>
internal static class HttpDefaults
{
#if NET
    /// <summary>A tool that is compiled ahead of time is 1 MB smaller without it.</summary>
    private const string CompressionSwitch = "PyResolve.Client.AcceptsCompression";

    public static HttpClient CreateClient(ClientSettings settings, AddressRace? race = null) =>
        Apply(new HttpClient(CreateHandler(settings, race)));
#else
    public static HttpClient CreateClient(ClientSettings settings) => Apply(new HttpClient(CreateHandler(settings)));
#endif

    public static HttpClient Apply(HttpClient client)
    {
        // Each request has its own timeout, on the client's clock.
        client.Timeout = Timeout.InfiniteTimeSpan;
        return client;
    }

#if NET
    public static bool Made(HttpMessageHandler? handler) => handler is SocketsHttpHandler { ConnectCallback.Target: AddressRace };

    public static SocketsHttpHandler CreateHandler(ClientSettings settings, AddressRace? race = null)
    {
        var proxy = ServerProxy.Of(settings);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectCallback = (race ?? AddressRace.Default).ConnectAsync,
            ConnectTimeout = settings.ConnectTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            Proxy = proxy,
            UseCookies = false,
            UseProxy = proxy is not null,
        };
        if (AcceptsCompression)
            handler.AutomaticDecompression = DecompressionMethods.All;
        return handler;
    }

#if NET9_0_OR_GREATER
    [FeatureSwitchDefinition(CompressionSwitch)]
#endif
    private static bool AcceptsCompression => !AppContext.TryGetSwitch(CompressionSwitch, out var isOn) || isOn;
#else
    public static bool Made(HttpMessageHandler? handler) => handler is OwnHandler;

    // The framework connects: to one address after the other, without a time limit of its own.
    public static HttpClientHandler CreateHandler(ClientSettings settings)
    {
        var proxy = ServerProxy.Of(settings);
        var handler = new OwnHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate,
            UseCookies = false,
            UseProxy = proxy is not null,
        };
        if (proxy is not null)
            handler.Proxy = proxy;
        return handler;
    }

    private sealed class OwnHandler : HttpClientHandler;
#endif
}
