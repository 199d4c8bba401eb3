using Microsoft.Extensions.DependencyInjection.Extensions;
using PyResolve.Testing;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts the fake server in the real one's place, in a container.</summary>
public static class FakePyResolveServiceCollectionExtensions
{
    /// <summary>
    /// Has the client that <c>AddPyResolveClient</c> registers, before this or after, ask <paramref name="server"/>, with the key of its
    /// account and, where the container has no <see cref="TimeProvider"/>, on its clock. Options that are set after this count.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="server">Lives longer than the container.</param>
    /// <returns>The container.</returns>
    public static IServiceCollection UseFakePyResolveServer(this IServiceCollection services, FakePyResolveServer server)
    {
        ArgumentNullException.ThrowIfNull(server);
        services.TryAddSingleton<TimeProvider>(server.Clock);
        services.AddPyResolveClient(server.Configure).ConfigurePrimaryHttpMessageHandler(server.CreateHandler);
        return services;
    }
}
