using System.Net;

namespace PyResolve.Client;

/// <summary>The client's HTTP settings. Redirects are not followed, because they would send the key to another server.</summary>
internal static class HttpDefaults
{
    public static HttpClient CreateClient() => Apply(new HttpClient(CreateHandler()));

    public static HttpClient Apply(HttpClient client)
    {
        // Each request has its own timeout, on the client's clock.
        client.Timeout = Timeout.InfiniteTimeSpan;
        return client;
    }

    public static HttpMessageHandler CreateHandler() =>
#if NET
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.All,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            UseCookies = false,
        };
#else
        new HttpClientHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip | DecompressionMethods.Deflate,
            UseCookies = false,
        };
#endif
}
