using PyResolve.Server.Plans;

namespace PyResolve.Server.Quota;

internal static class QuotaServices
{
    public static IServiceCollection AddQuota(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton(new PlanCatalog(configuration))
        .AddSingleton<QuotaReader>()
        .AddSingleton<ReservationList>()
        .AddSingleton<ReservationRefusals>()
        .AddSingleton<ReservationGrants>()
        .AddSingleton<ReservationExtensions>()
        .AddSingleton<ReservationSettlements>()
        .AddSingleton<SweepSchedule>()
        .AddHostedService<ReservationSweeper>();
}
