using System.Reflection;

namespace PyResolve.Server.Hosting;

internal static class ServerVersion
{
    /// <summary>Without the commit.</summary>
    public static string Current { get; } =
        typeof(ServerVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
