namespace PyResolve.Server.Pages;

internal static class PageAssets
{
    private static readonly string[] Images = ["icon.svg", "approved.svg", "denied.svg"];

    public static PageAsset Stylesheet { get; } = PageAsset.Stylesheet("pages.css");

    public static void MapPageAssets(this IEndpointRouteBuilder routes)
    {
        Map(routes, "pages.css", Stylesheet);
        foreach (var name in Images)
            Map(routes, name, PageAsset.Image(name));
    }

    private static void Map(IEndpointRouteBuilder routes, string name, PageAsset asset) => routes.MapGet($"/assets/{name}", http =>
    {
        var hasVersion = http.Request.Query["v"] == asset.Version;
        http.Response.Headers.CacheControl = hasVersion ? "public, max-age=31536000, immutable" : "public, max-age=3600";
        return asset.WriteAsync(http);
    }).ExcludeFromDescription();
}
