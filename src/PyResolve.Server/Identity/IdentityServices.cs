namespace PyResolve.Server.Identity;

internal static class IdentityServices
{
    public static IServiceCollection AddExternalIdentity(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton<KeyFetcher>()
        .AddSingleton(provider => TrustedIssuers.Read(configuration, provider.GetRequiredService<KeyFetcher>()))
        .AddSingleton<ExternalTokens>()
        .AddSingleton<Identities>();
}
