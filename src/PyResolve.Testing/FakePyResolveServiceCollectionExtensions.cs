using Microsoft.Extensions.DependencyInjection.Extensions;
using PyResolve.Testing;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Replaces the real server by the fake one in a dependency injection container.</summary>
public static class FakePyResolveServiceCollectionExtensions
{
    /// <summary>
    /// Connects the client that <c>AddPyResolveClient</c> registers, before or after this call, to <paramref name="server"/>, with the key
    /// of its account and, if the container has no <see cref="TimeProvider"/>, with its clock. Options that are set after this call win.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="server">Dispose of it after the container.</param>
    /// <returns>The container.</returns>
    public static IServiceCollection UseFakePyResolveServer(this IServiceCollection services, FakePyResolveServer server)
    {
        ArgumentNullException.ThrowIfNull(server);
        services.TryAddSingleton<TimeProvider>(server.Clock);
        services.AddPyResolveClient(server.Configure).ConfigurePrimaryHttpMessageHandler(server.CreateHandler);
        return services;
    }
}
