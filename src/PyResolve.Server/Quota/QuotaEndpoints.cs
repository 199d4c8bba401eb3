using Microsoft.Net.Http.Headers;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Quota;

internal static class QuotaEndpoints
{
    public static void MapQuota(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Quota");
        group.MapGet("/quota", ReadQuota).RequireCaller();
        group.MapGet("/plans", ListPlans).Produces<PlanList>();
        group.MapReservations();
    }

    private static async Task<JsonAnswer<QuotaSnapshot>> ReadQuota(HttpContext http, QuotaReader quotas) =>
        Answers.Ok(await quotas.ReadAsync(http.Caller().UserId, http.RequestAborted));

    /// <summary>Redirects browsers to the page of prices: refusals of earlier versions named this address to people.</summary>
    private static IResult ListPlans(HttpContext http, PlanCatalog plans)
    {
        http.Response.Headers.Vary = HeaderNames.Accept;
        return Browsers.PreferHtml(http)
            ? PageUrls.SeeOther(http, "pricing")
            : Answers.Ok(new PlanList([.. plans.All.Where(static plan => plan.IsPublic).Select(Describe)]));
    }

    private static PlanInfo Describe(Plan plan) => new(plan.Name, plan.Limit, plan.LlmAllowed, plan.Price)
    {
        Title = plan.Title,
        Description = plan.Description,
        Features = plan.Features,
        Prices = [.. plan.Prices.Select(PlanPriceSettings.Show)],
        TrialDays = plan.TrialDays,
        PerSeat = plan.PerSeat,
    };
}
