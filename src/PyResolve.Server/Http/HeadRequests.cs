namespace PyResolve.Server.Http;

/// <summary>
/// Answers HEAD where GET is (RFC 9110, 9.1): the request is answered as a GET, and Kestrel, which has read its method already, sends no
/// body. A GET that does something asks <see cref="IsHead"/> first: scanners send HEAD to every link of an email.
/// </summary>
internal static class HeadRequests
{
    private static readonly Marker Head = new();

    public static bool IsHead(this HttpContext http) => http.Features.Get<Marker>() is not null;

    public static string MethodOf(HttpContext http) => http.IsHead() ? HttpMethods.Head : http.Request.Method;

    public static void UseHeadRequests(this IApplicationBuilder app) => app.Use(static (http, next) =>
    {
        if (HttpMethods.IsHead(http.Request.Method))
        {
            http.Request.Method = HttpMethods.Get;
            http.Features.Set(Head);
        }

        return next(http);
    });

    private sealed class Marker;
}
