using System.Runtime.CompilerServices;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>The developer's own key and server have no part in these tests.</summary>
internal static class CleanEnvironment
{
    [ModuleInitializer]
    internal static void Clean()
    {
        foreach (var name in new[] { "PYRESOLVE_API_KEY", "PYRESOLVE_API_URL" })
            Environment.SetEnvironmentVariable(name, null);
        Environment.SetEnvironmentVariable("PYRESOLVE_HOME", Path.Combine(Path.GetTempPath(), "pyresolve-no-such-home"));
    }
}

/// <summary>Tests that change the process's environment run alone.</summary>
[CollectionDefinition(nameof(EnvironmentTests), DisableParallelization = true)]
public sealed class EnvironmentTests;
