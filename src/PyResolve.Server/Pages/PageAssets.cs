using System.Security.Cryptography;

namespace PyResolve.Server.Pages;

internal sealed record PageAsset(byte[] Content, string ContentType)
{
    public string Version { get; } = Convert.ToHexStringLower(SHA256.HashData(Content).AsSpan(0, 8));

    public static PageAsset Load(string name, string contentType)
    {
        using var stream = typeof(PageAsset).Assembly.GetManifestResourceStream($"assets/{name}")
            ?? throw new InvalidOperationException($"The assembly lacks the asset {name}.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return new PageAsset(content, contentType);
    }
}

internal static class PageAssets
{
    public static PageAsset Stylesheet { get; } = PageAsset.Load("pages.css", "text/css; charset=utf-8");

    private static readonly string[] Images = ["icon.svg", "approved.svg", "denied.svg"];

    public static void MapPageAssets(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/assets/pages.css", static http => WriteAsync(http, Stylesheet)).ExcludeFromDescription();
        foreach (var name in Images)
        {
            var image = PageAsset.Load(name, "image/svg+xml");
            routes.MapGet($"/assets/{name}", http => WriteAsync(http, image)).ExcludeFromDescription();
        }
    }

    private static Task WriteAsync(HttpContext http, PageAsset asset)
    {
        var hasVersion = http.Request.Query["v"] == asset.Version;
        http.Response.ContentType = asset.ContentType;
        http.Response.ContentLength = asset.Content.Length;
        http.Response.Headers.CacheControl = hasVersion ? "public, max-age=31536000, immutable" : "public, max-age=3600";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return http.Response.Body.WriteAsync(asset.Content, http.RequestAborted).AsTask();
    }
}
