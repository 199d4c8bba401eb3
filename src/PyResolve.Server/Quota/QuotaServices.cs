
namespace PyResolve.Server.Quota;

internal static class QuotaServices
{
    public static IServiceCollection AddQuota(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton(new Plans(configuration))
        .AddSingleton<QuotaReader>()
        .AddSingleton<HoldGroup>()
        .AddSingleton<SettlementGroup>()
        .AddSingleton<Reservations>()
        .AddHostedService<Sweeper>();
}
