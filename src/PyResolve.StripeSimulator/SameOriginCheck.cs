namespace PyResolve.StripeSimulator;

/// <summary>Refuses writes that a browser sends from another site's page. Programs send no <c>Origin</c>.</summary>
internal static class SameOriginCheck
{
    public static Task CheckAsync(HttpContext http, RequestDelegate next)
    {
        var request = http.Request;
        var origin = request.Headers.Origin.ToString();
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || origin.Length == 0
            || origin == $"{request.Scheme}://{request.Host}")
            return next(http);
        http.Response.StatusCode = StatusCodes.Status403Forbidden;
        return http.Response.WriteAsync("The request comes from another site's page.", http.RequestAborted);
    }
}
