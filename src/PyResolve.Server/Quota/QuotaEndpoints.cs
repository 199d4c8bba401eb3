using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;

namespace PyResolve.Server.Quota;

internal static class QuotaEndpoints
{
    public static void MapQuota(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Quota");
        group.MapGet("/quota", ReadQuota).Produces<QuotaSnapshot>().RequireCaller();
        group.MapGet("/plans", ListPlans);
        group.MapReservations();
    }

    private static async Task<IResult> ReadQuota(HttpContext http, QuotaReader quotas) =>
        TypedResults.Ok(await quotas.ReadAsync(http.Caller().UserId, http.RequestAborted));

    private static Ok<PlanList> ListPlans(Plans plans) =>
        TypedResults.Ok(new PlanList([.. plans.All.Select(plan => new PlanInfo(plan.Name, plan.Limit, plan.LlmAllowed, plan.Price))]));
}
