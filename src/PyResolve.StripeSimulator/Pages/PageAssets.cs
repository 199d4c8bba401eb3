namespace PyResolve.StripeSimulator.Pages;

internal static class PageAssets
{
    public static void MapPageAssets(this IEndpointRouteBuilder routes)
    {
        Map(routes, "simulator.css", "text/css; charset=utf-8");
        Map(routes, "icon.svg", "image/svg+xml");
    }

    private static void Map(IEndpointRouteBuilder routes, string name, string contentType)
    {
        var content = Load(name);
        routes.MapGet($"/assets/{name}", http =>
        {
            http.Response.ContentType = contentType;
            http.Response.ContentLength = content.Length;
            http.Response.Headers.XContentTypeOptions = "nosniff";
            return http.Response.Body.WriteAsync(content, http.RequestAborted).AsTask();
        });
    }

    private static byte[] Load(string name)
    {
        using var stream = typeof(PageAssets).Assembly.GetManifestResourceStream($"assets/{name}")
            ?? throw new InvalidOperationException($"The assembly lacks the asset {name}.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
