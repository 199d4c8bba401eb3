using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http;
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
    /// <returns>The HTTP client's builder, to add handlers. Its base address and timeout are not used. Handlers for retries that the
    /// application adds to all of its HTTP clients are left out of this one, which has its own; so are the loggers of <c>HttpClient</c>,
    /// until <c>AddDefaultLogger</c> brings them back.</returns>
    public static IHttpClientBuilder AddPyResolveClient(this IServiceCollection services, Action<PyResolveClientOptions>? configure = null)
    {
        Guard.NotNull(services);
        services.AddOptions();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<PyResolveClientOptions>, SectionOptions>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PyResolveClientOptions>, OptionsRules>());
        if (configure is not null)
            services.Configure(configure);

        services.TryAddSingleton(static provider => new ApiKeyStore(OptionsOf(provider).Home, OptionsOf(provider).Profile));
        services.TryAddSingleton(static provider => ClientSettings.From(OptionsOf(provider), provider.GetRequiredService<ApiKeyStore>()));
        services.TryAddSingleton(static provider => new FactoryClients(provider.GetRequiredService<IHttpClientFactory>(), Name));
        services.TryAddSingleton(static provider => new ApiTransport(
            provider.GetRequiredService<ClientSettings>(),
            provider.GetRequiredService<FactoryClients>().Next,
            connects: HttpDefaults.Made(PrimaryHandler(provider)),
            provider.GetService<TimeProvider>() ?? TimeProvider.System,
            provider.GetService<ILogger<PyResolveClient>>()));
        services.TryAddSingleton(static provider => new UsageReporter(
            provider.GetRequiredService<ApiTransport>(), provider.GetService<ILogger<UsageReporter>>()));
        services.TryAddSingleton(static provider => new PyResolveClient(
            provider.GetRequiredService<ApiTransport>(),
            provider.GetRequiredService<ApiKeyStore>(),
            provider.GetRequiredService<UsageReporter>()));
        services.TryAddSingleton(static provider => provider.GetRequiredService<PyResolveClient>().Quota);

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<HttpClientFactoryOptions>, InnermostHandler>());
        return services.AddHttpClient(Name, static client => HttpDefaults.Apply(client))
            .ConfigurePrimaryHttpMessageHandler(
                static provider => HttpDefaults.CreateHandler(provider.GetRequiredService<ClientSettings>()))
            .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) => ForeignRetries.RemoveFrom(handlers))
            .RemoveAllLoggers()
            .RedactLoggedHeaders(["X-API-Key", "Authorization"]);
    }

    /// <summary>The handler that opens connections: ours, unless the application replaced it.</summary>
    private static HttpMessageHandler? PrimaryHandler(IServiceProvider provider)
    {
        HttpMessageHandler? handler = provider.GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler(Name);
        while (handler is DelegatingHandler outer)
            handler = outer.InnerHandler;
        return handler;
    }

    private static PyResolveClientOptions OptionsOf(IServiceProvider provider) =>
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

    /// <summary>Runs after all configuration, so that the guard is inside the handlers that were added after this client.</summary>
    private sealed class InnermostHandler : IPostConfigureOptions<HttpClientFactoryOptions>
    {
        public void PostConfigure(string? name, HttpClientFactoryOptions options)
        {
            if (name == Name)
                options.HttpMessageHandlerBuilderActions.Add(static builder => builder.AdditionalHandlers.Add(new RepeatGuard()));
        }
    }
}
