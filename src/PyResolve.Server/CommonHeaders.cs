using PyResolve.Server.Hosting;

namespace PyResolve.Server;

/// <summary>Headers of every answer.</summary>
internal static class CommonHeaders
{
    // A year, as browsers' lists ask for at least. Not for subdomains, which may belong to others.
    private const string StrictTransport = "max-age=31536000";

    public static void UseCommonHeaders(this IApplicationBuilder app)
    {
        var isHttps = app.ApplicationServices.GetRequiredService<ServerOptions>().PublicUrl?.Scheme == Uri.UriSchemeHttps;
        var draining = app.ApplicationServices.GetRequiredService<Draining>();
        app.Use((http, next) =>
        {
            var headers = http.Response.Headers;
            // The next request of this client opens a connection, to another server if there is one.
            if (draining.IsStopping && HttpProtocol.IsHttp11(http.Request.Protocol))
                headers.Connection = "close";
            headers.XContentTypeOptions = "nosniff";
            if (isHttps)
                headers.StrictTransportSecurity = StrictTransport;
            // Answers to other methods may have a key, a session or a token in them. GETs that must not be kept say so themselves.
            if (!HttpMethods.IsGet(http.Request.Method))
                headers.CacheControl = "no-store";
            return next(http);
        });
    }
}
