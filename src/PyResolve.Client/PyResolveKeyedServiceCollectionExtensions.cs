using Microsoft.Extensions.Logging;
using PyResolve.Client;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers several clients in a service container.</summary>
public static class PyResolveKeyedServiceCollectionExtensions
{
    /// <summary>Registers a <see cref="PyResolveClient"/> as a keyed singleton, for a process that works for several accounts or servers.
    /// It is resolved with <c>[FromKeyedServices(name)]</c>, has an <see cref="HttpClient"/>, an outbox and leases of its own, and is
    /// flushed and disposed of with the container.</summary>
    /// <param name="services">The container.</param>
    /// <param name="name">The key of the service.</param>
    /// <param name="configure">Sets the options, such as <see cref="PyResolveClientOptions.ApiKey"/>. Configuration is not
    /// read.</param>
    public static IServiceCollection AddKeyedPyResolveClient(
        this IServiceCollection services, object name, Action<PyResolveClientOptions> configure)
    {
        Guard.NotNull(services);
        Guard.NotNull(configure);
        return services.AddKeyedSingleton(Guard.NotNull(name), (provider, _) =>
        {
            var options = new PyResolveClientOptions { LoggerFactory = provider.GetService<ILoggerFactory>() };
            configure(options);
            return PyResolveClient.Create(options);
        });
    }
}
