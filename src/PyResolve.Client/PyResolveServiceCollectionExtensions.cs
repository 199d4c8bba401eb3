using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using PyResolve.Client;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the client in a service container.</summary>
public static class PyResolveServiceCollectionExtensions
{
    private const string Name = "PyResolve";

    /// <summary>Registers <see cref="PyResolveClient"/>, <see cref="QuotaGuard"/>, <see cref="UsageReporter"/> and
    /// <see cref="ApiKeyStore"/> as singletons. The process has one usage reporter, which is flushed when the host shuts down and the
    /// container is disposed of.</summary>
    /// <remarks>
    /// Options come from the configuration's section <c>PyResolve</c>, if there is one, then from <paramref name="configure"/>. An invalid
    /// value throws an <see cref="OptionsValidationException"/>, or a <see cref="PyResolveException"/> if it is in the environment or the
    /// config file, when the client is resolved.
    /// </remarks>
    /// <param name="services">The container.</param>
    /// <param name="configure">Changes the options; default: no change.</param>
    /// <returns>The HTTP client's builder, to add handlers. Its base address and timeout are not used.</returns>
    public static IHttpClientBuilder AddPyResolveClient(this IServiceCollection services, Action<PyResolveClientOptions>? configure = null)
    {
        Guard.NotNull(services);
        services.AddOptions();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<PyResolveClientOptions>, SectionOptions>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PyResolveClientOptions>, OptionsRules>());
        if (configure is not null)
            services.Configure(configure);

        services.TryAddSingleton(static provider => new ApiKeyStore(Options(provider).Home, Options(provider).Profile));
        services.TryAddSingleton(static provider => ClientSettings.From(Options(provider), provider.GetRequiredService<ApiKeyStore>()));
        services.TryAddSingleton(static provider => new FactoryClients(provider.GetRequiredService<IHttpClientFactory>(), Name));
        services.TryAddSingleton(static provider => new ApiTransport(
            provider.GetRequiredService<ClientSettings>(),
            provider.GetRequiredService<FactoryClients>().Next,
            provider.GetService<TimeProvider>() ?? TimeProvider.System,
            provider.GetService<ILogger<PyResolveClient>>()));
        services.TryAddSingleton(static provider => new UsageReporter(
            provider.GetRequiredService<ApiTransport>(), provider.GetService<ILogger<UsageReporter>>()));
        services.TryAddSingleton(static provider => new PyResolveClient(
            provider.GetRequiredService<ApiTransport>(),
            provider.GetRequiredService<ApiKeyStore>(),
            provider.GetRequiredService<UsageReporter>()));
        services.TryAddSingleton(static provider => provider.GetRequiredService<PyResolveClient>().Quota);

        return services.AddHttpClient(Name, static client => HttpDefaults.Apply(client))
            .ConfigurePrimaryHttpMessageHandler(HttpDefaults.CreateHandler)
            .RedactLoggedHeaders(["X-API-Key", "Authorization"]);
    }

    private static PyResolveClientOptions Options(IServiceProvider provider) =>
        provider.GetRequiredService<IOptions<PyResolveClientOptions>>().Value;

    private sealed class SectionOptions(IServiceProvider provider) : IConfigureOptions<PyResolveClientOptions>
    {
        public void Configure(PyResolveClientOptions options)
        {
            if (provider.GetService<IConfiguration>()?.GetSection(Name) is { } section)
                SectionBinder.Bind(section, options);
        }
    }

    private sealed class OptionsRules : IValidateOptions<PyResolveClientOptions>
    {
        public ValidateOptionsResult Validate(string? name, PyResolveClientOptions options) =>
            ClientSettings.Validate(options) is { } error ? ValidateOptionsResult.Fail(error.Message) : ValidateOptionsResult.Success;
    }
}
