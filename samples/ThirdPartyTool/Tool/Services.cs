using Microsoft.Extensions.DependencyInjection;
using PyResolve.Client;

namespace UtcNow;

public static class Services
{
    /// <summary>The tool. Its key and its server come from the environment, or from what <c>pyresolve login</c> saved.</summary>
    public static IServiceCollection AddUtcNow(this IServiceCollection services)
    {
        services.AddPyResolveClient(options => options.ApplicationName = "utcnow/1.0");
        return services.AddTransient<Upgrade>();
    }
}
