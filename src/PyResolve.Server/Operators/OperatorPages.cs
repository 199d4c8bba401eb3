using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Telemetry;
using RazorSlices;

namespace PyResolve.Server.Operators;

internal static class OperatorPages
{
    public static void AddOperators(this IServiceCollection services, TelemetryOptions telemetry)
    {
        if (telemetry.IsOn)
            services.AddHostedService<StoreGauges>();
        services
            .AddSingleton<OperatorList>()
            .AddSingleton<BacklogReader>()
            .AddSingleton<IdentityProof>()
            .AddSingleton<AccountSearch>()
            .AddSingleton<AuditSearch>()
            .AddSingleton<AccountReader>()
            .AddSingleton<ExtraUnits>()
            .AddSingleton<AccountView>()
            .AddSingleton<HealthReader>();
    }

    public static void MapOperatorPages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages().RequireOperator();
        pages.MapConfirmPages();
        pages.MapAccountPages();
        pages.MapAccountForms();
        pages.MapRepairPages();
        pages.MapServerPages();
        pages.MapCostPages();
        pages.MapEventPages();
        pages.MapLogPages();
    }

    /// <param name="isLive">Where scripts run, the page reads a part of itself again.</param>
    public static PageResult Page(
        HttpContext http, string title, RazorSlice body, ProblemResult? problem = null, bool isLive = false) => new(title, body)
    {
        Width = PageWidth.Wide, SignedInAs = http.Operator().Email, IsForOperators = true, IsLive = isLive,
        Problem = problem,
    };
}
