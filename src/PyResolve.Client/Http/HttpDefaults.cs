using System.Net;

namespace PyResolve.Client;

/// <summary>How this client uses HTTP. Redirects are not followed, because they would carry the key to wherever they point.</summary>
internal static class HttpDefaults
{
    public static HttpClient CreateClient() => Apply(new HttpClient(CreateHandler()));

    public static HttpClient Apply(HttpClient client)
    {
        // Each request has a deadline of its own, on the client's clock.
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
