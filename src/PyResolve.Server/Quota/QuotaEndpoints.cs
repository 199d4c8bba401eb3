using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Quota;

internal static class QuotaEndpoints
{
    public static void MapQuota(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").WithTags("Quota");
        group.MapGet("/quota", ReadQuota).RequireCaller();
        group.MapGet("/plans", ListPlans);
        group.MapReservations();
    }

    private static async Task<JsonAnswer<QuotaSnapshot>> ReadQuota(HttpContext http, QuotaReader quotas) =>
        Answers.Ok(await quotas.ReadAsync(http.Caller().UserId, http.RequestAborted));

    private static JsonAnswer<PlanList> ListPlans(PlanCatalog plans) =>
        Answers.Ok(new PlanList([.. plans.All.Select(plan => new PlanInfo(plan.Name, plan.Limit, plan.LlmAllowed, plan.Price))]));
}
