using PyResolve.Server.Hosting;

namespace PyResolve.Server.SecondFactor;

internal static class SecondFactorServices
{
    public static IServiceCollection AddSecondFactors(
        this IServiceCollection services, IConfiguration configuration, ServerOptions options) => services
        .AddSingleton(EncryptionKeys.Read(configuration, options))
        .AddSingleton<SecondFactors>()
        .AddSingleton<PendingLogins>();
}
