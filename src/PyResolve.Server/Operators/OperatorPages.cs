using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using RazorSlices;

namespace PyResolve.Server.Operators;

internal static class OperatorPages
{
    public static IServiceCollection AddOperators(this IServiceCollection services) => services
        .AddSingleton<OperatorList>()
        .AddSingleton<IdentityProof>()
        .AddSingleton<AccountSearch>()
        .AddSingleton<AuditSearch>()
        .AddSingleton<AccountReader>()
        .AddSingleton<ExtraUnits>()
        .AddSingleton<AccountView>();

    public static void MapOperatorPages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages().RequireOperator();
        pages.MapGet("/operator", static (HttpContext http) => PageUrls.SeeOther(http, "operator/accounts"));
        pages.MapConfirmPages();
        pages.MapAccountPages();
        pages.MapAccountForms();
        pages.MapRepairPages();
    }

    public static PageResult Page(HttpContext http, string title, RazorSlice body, ProblemResult? problem = null) => new(title, body)
    {
        Width = PageWidth.Wide, SignedInAs = http.Operator().Email, IsForOperators = true, Problem = problem,
    };
}
