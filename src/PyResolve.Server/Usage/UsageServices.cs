using PyResolve.Server.Alerts;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Usage;

internal static class UsageServices
{
    public static IServiceCollection AddUsage(this IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton<UsageAlerts>().AddSingleton<AlertRules>().AddSingleton<UsageLedger>();
        if (options.UsageRetentionMonths is not null)
            services.AddHostedService<UsageRetention>();
        return services;
    }
}
