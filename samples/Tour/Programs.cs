using System.Reflection;
using System.Runtime.InteropServices;

namespace Tour;

/// <summary>The programs that were built with the tour.</summary>
internal static class Programs
{
    /// <summary>The <c>dotnet</c> executable that runs the tour.</summary>
    public static string DotNet { get; } = Path.GetFullPath(
        Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));

    public static string Server { get; } = PathOf("PyResolve.Server");

    public static string Cli { get; } = PathOf("pyresolve");

    public static string Migrator { get; } = PathOf("PydanticMigrator");

    private static string PathOf(string program) => typeof(Programs).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(m => m.Key == program).Value!;
}
