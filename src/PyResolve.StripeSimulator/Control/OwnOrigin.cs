namespace PyResolve.StripeSimulator.Control;

/// <summary>Browsers name the page that a write comes from; another site's is refused. Programs name none.</summary>
internal static class OwnOrigin
{
    public static Task CheckAsync(HttpContext http, RequestDelegate next)
    {
        var request = http.Request;
        var origin = request.Headers.Origin.ToString();
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || origin.Length == 0 || origin == $"{request.Scheme}://{request.Host}")
            return next(http);
        http.Response.StatusCode = StatusCodes.Status403Forbidden;
        return http.Response.WriteAsync("This came from another site's page.", http.RequestAborted);
    }
}
