using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Pages;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Statistics;
using RazorSlices;

namespace PyResolve.Server.Site;

internal sealed record Home(bool SignUpIsOpen);

internal static class SitePages
{
    private const int LatestEvents = 5;
    private const int ExpiringKeys = 5;

    private static readonly TimeSpan ExpiresSoon = TimeSpan.FromDays(14);

    public static IServiceCollection AddSite(this IServiceCollection services) => services
        .AddSingleton<SettingsReader>()
        .AddSingleton<PlanReader>();

    public static void MapSite(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages();
        pages.MapGet("/pricing", ShowPricing);
        pages.MapGet("/app", ShowOverview);
        pages.MapGet("/settings", static (HttpContext http) => PageUrls.SeeOther(http, "app/settings"));
        pages.MapUsagePages();
        pages.MapKeyPages();
        pages.MapPlanPages();
        pages.MapInvoicePages();
        pages.MapAlertPages();
        pages.MapSettingsPages();
        pages.MapAuditPages();
    }

    public static async Task<IResult> ShowHomeAsync(HttpContext http, WebSessions web)
    {
        if (await web.FindAsync(http) is not null)
            return PageUrls.SeeOther(http, "app");
        var options = http.RequestServices.GetRequiredService<ServerOptions>();
        var product = http.RequestServices.GetRequiredService<ProductOptions>();
        var title = product.IsDefault ? "Python migrations, metered" : "Welcome";
        return Page(title, new Site_HomePage { Model = new Home(options.SignUpIsOpen) }, caller: null);
    }

    /// <summary>Finds the account that sent a form of these pages; null: it has to sign in first.</summary>
    public static async Task<Caller?> FormCallerAsync(HttpContext http, SameOrigin sameOrigin, WebSessions web)
    {
        sameOrigin.Require(http);
        return await web.FindAsync(http);
    }

    /// <param name="next">The page to go on with.</param>
    public static IResult SignInFirst(HttpContext http, string next) => PageUrls.SeeOther(http, $"sign-in?next={next}");

    public static PageResult Page(string title, RazorSlice body, Caller? caller, ProblemResult? problem = null) =>
        new(title, body) { Width = PageWidth.Wide, SignedInAs = caller?.Email, ViewedUntil = caller?.ViewedUntil, Problem = problem };

    private static async Task<IResult> ShowPricing(
        HttpContext http, WebSessions web, PlanCatalog plans, QuotaReader quotas, ServerOptions options)
    {
        var caller = await web.FindAsync(http);
        var current = caller is null ? null : (await quotas.ReadAsync(caller.UserId, http.RequestAborted)).Plan;
        return Page("Pricing", new Site_PricingPage { Model = new Pricing(
            [.. plans.All.Where(plan => plan.IsPublic || plan.Name == current)], current, options.SignUpIsOpen) }, caller);
    }

    private static async Task<IResult> ShowOverview(
        HttpContext http, WebSessions web, QuotaReader quotas, UsageDays days, EventList events, ApiKeyLists keys,
        PlanReader plans, PublicUrl publicUrl, TimeProvider time)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        var (userId, cancelled) = (caller.UserId, http.RequestAborted);
        var latest = await events.ReadAsync(userId, month: null, after: null, LatestEvents, cancelled);
        var model = new Overview(
            await quotas.ReadAsync(userId, cancelled),
            await days.ReadMonthAsync(userId, cancelled),
            await days.ReadAsync(userId, cancelled),
            latest.Data,
            await keys.ReadExpiringAsync(userId, ExpiresSoon, ExpiringKeys, cancelled),
            (await plans.ReadAsync(caller, cancelled)).Trouble,
            publicUrl.Value,
            time.GetUtcNow());
        return Page("Overview", new Site_OverviewPage { Model = model }, caller);
    }
}
