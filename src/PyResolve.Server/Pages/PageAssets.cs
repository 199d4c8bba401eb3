namespace PyResolve.Server.Pages;

internal static class PageAssets
{
    public static PageAsset Stylesheet { get; } = PageAsset.Stylesheet("pages.css");

    public static PageAsset Script { get; } = PageAsset.Script("pages.js");

    public static PageAsset Icon { get; } = PageAsset.Image("icon.svg");

    public static PageAsset Approved { get; } = PageAsset.Image("approved.svg");

    public static PageAsset Denied { get; } = PageAsset.Image("denied.svg");

    public static void MapPageAssets(this IEndpointRouteBuilder routes)
    {
        foreach (var asset in (PageAsset[])[Stylesheet, Script, Icon, Approved, Denied])
            Map(routes, asset);
    }

    private static void Map(IEndpointRouteBuilder routes, PageAsset asset) => routes.MapGet($"/assets/{asset.Name}", http =>
    {
        var hasVersion = http.Request.Query["v"] == asset.Version;
        http.Response.Headers.CacheControl = hasVersion ? "public, max-age=31536000, immutable" : "public, max-age=3600";
        return asset.WriteAsync(http);
    }).ExcludeFromDescription();
}
