using System.Collections;
using System.Runtime.InteropServices;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>The .NET SDK that runs these tests, with the environment of a developer outside this repository.</summary>
internal static class DotNet
{
    public static string Path { get; } =
        System.IO.Path.GetFullPath(System.IO.Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    /// <summary>Without the variables of <c>dotnet test</c>, and without build processes that outlive the test.</summary>
    public static Dictionary<string, string?> Environment()
    {
        var environment = System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Select(variable => (string)variable.Key)
            .Where(
                name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
                    || name.StartsWith("PYRESOLVE_", StringComparison.Ordinal)
                    || name == "DOTNET_HOST_PATH")
            .ToDictionary(name => name, string? (_) => null);
        environment["PATH"] = System.IO.Path.GetDirectoryName(Path)
            + System.IO.Path.PathSeparator
            + System.Environment.GetEnvironmentVariable("PATH");
        environment["DOTNET_ROOT"] = System.IO.Path.GetDirectoryName(Path);
        environment["MSBUILDDISABLENODEREUSE"] = "1";
        environment["UseSharedCompilation"] = "false";
        environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        environment["DOTNET_NOLOGO"] = "1";
        environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        return environment;
    }
}
