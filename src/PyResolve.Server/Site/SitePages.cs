using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;
using RazorSlices;

namespace PyResolve.Server.Site;

internal sealed record Home(bool SignUpIsOpen);

internal static class SitePages
{
    public static IServiceCollection AddSite(this IServiceCollection services) => services.AddSingleton<SettingsReader>();

    public static void MapSite(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages();
        pages.MapGet("/pricing", ShowPricing);
        pages.MapGet("/app", ShowOverview);
        pages.MapGet("/settings", static (HttpContext http) => PageUrls.SeeOther(http, "app/settings"));
        pages.MapKeyPages();
        pages.MapSettingsPages();
        pages.MapAuditPages();
    }

    public static async Task<IResult> ShowHomeAsync(HttpContext http, WebSessions web)
    {
        if (await web.FindAsync(http) is not null)
            return PageUrls.SeeOther(http, "app");
        var options = http.RequestServices.GetRequiredService<ServerOptions>();
        return Page("Python migrations, metered", new Site_HomePage { Model = new Home(options.SignUpIsOpen) }, caller: null);
    }

    public static PageResult Page(string title, RazorSlice body, Caller? caller, ProblemResult? problem = null) =>
        new(title, body) { Width = PageWidth.Wide, SignedInAs = caller?.Email, Problem = problem };

    private static async Task<IResult> ShowPricing(HttpContext http, WebSessions web, PlanCatalog plans, QuotaReader quotas)
    {
        var caller = await web.FindAsync(http);
        var current = caller is null ? null : (await quotas.ReadAsync(caller.UserId, http.RequestAborted)).Plan;
        return Page("Pricing", new Site_PricingPage { Model = new Pricing(plans.All, current) }, caller);
    }

    private static async Task<IResult> ShowOverview(
        HttpContext http, WebSessions web, QuotaReader quotas, Database database, PublicUrl publicUrl, TimeProvider time)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        var quota = await quotas.ReadAsync(caller.UserId, http.RequestAborted);
        var events = await database.ReadAsync(
            session => session.NumberAsync(
                $"select count(*) from (select id from usage_events where user_id = {caller.UserId} limit 1) first", http.RequestAborted),
            http.RequestAborted);
        var model = new Overview(quota, caller, HasEvents: events > 0, publicUrl.Value, time.GetUtcNow());
        return Page("Overview", new Site_OverviewPage { Model = model }, caller);
    }
}
