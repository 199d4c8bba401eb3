namespace PyResolve.StripeSimulator.Pages;

internal static class PageAssets
{
    public static void MapPageAssets(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/assets/simulator.css", PageAsset.Stylesheet("simulator.css").WriteAsync);
        routes.MapGet("/assets/icon.svg", PageAsset.Image("icon.svg").WriteAsync);
    }
}
