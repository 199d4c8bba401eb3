using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Identity;

internal static class IdentityServices
{
    public static IServiceCollection AddExternalIdentity(
        this IServiceCollection services, IConfiguration configuration, ServerOptions options)
    {
        // A start without an issuer does not load the framework's handler.
        if (configuration.GetSection("PyResolve:Oidc").Exists())
            AddOidc(services);
        return services
            .AddSingleton<KeyFetcher>()
            .AddSingleton(provider => TrustedIssuers.Read(configuration, provider.GetRequiredService<KeyFetcher>()))
            .AddSingleton<ExternalTokens>()
            .AddSingleton<Identities>()
            .AddSingleton(provider => SignInClients.Read(configuration, options, provider.GetRequiredService<TrustedIssuers>()))
            .AddSingleton(static provider => provider.GetRequiredService<SignInClients>().Choices)
            .AddSingleton<ExternalLogin>()
            .AddSingleton<OidcSignIn>()
            .AddSingleton<SupabaseSignIn>();
    }

    private static void AddOidc(IServiceCollection services) => services
        .AddSingleton<IConfigureOptions<OpenIdConnectOptions>, OidcOptions>()
        .AddSingleton<IPostConfigureOptions<OpenIdConnectOptions>, OidcDefaults>();
}
