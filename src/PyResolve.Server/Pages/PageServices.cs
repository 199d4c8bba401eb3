namespace PyResolve.Server.Pages;

internal static class PageServices
{
    public static IServiceCollection AddPages(this IServiceCollection services) => services.AddSingleton<SameOrigin>();
}
