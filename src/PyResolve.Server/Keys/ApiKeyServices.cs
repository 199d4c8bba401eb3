using PyResolve.Server.Hosting;

namespace PyResolve.Server.Keys;

internal static class ApiKeyServices
{
    public static IServiceCollection AddApiKeys(this IServiceCollection services, ServerOptions options) => services
        .AddSingleton(new AcceptedKeys(options.KeyPrefixes))
        .AddSingleton(new VerifiedKeyCache(options.RememberedKeys, TimeProvider.System))
        .AddSingleton<LegacyKeys>()
        .AddSingleton<StoredKeys>()
        .AddSingleton<RequestLimiters>()
        .AddSingleton<ApiKeySecrets>()
        .AddSingleton<KeyAllowance>()
        .AddSingleton<ApiKeys>()
        .AddSingleton<ApiKeyLists>()
        .AddSingleton<ApiKeyVerifier>()
        .AddSingleton<KeyUseLog>()
        .AddHostedService(static provider => provider.GetRequiredService<KeyUseLog>())
        .AddSingleton<KeyEpochPoller>()
        .AddHostedService(static provider => provider.GetRequiredService<KeyEpochPoller>())
        .AddHostedService<KeyWarmUp>();
}
