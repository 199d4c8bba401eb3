using System.Runtime.CompilerServices;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>Keeps the developer's own key, server and outbox out of these tests.</summary>
internal static class CleanEnvironment
{
    [ModuleInitializer]
    internal static void Clean()
    {
        // That program is about its environment.
        if (Environment.GetCommandLineArgs().Contains(FiveMinutesProcess.Command))
            return;
        foreach (var name in ProcessEnvironment.Names())
            Environment.SetEnvironmentVariable(name, null);
        var root = Directory.CreateTempSubdirectory("pyresolve-client-tests-").FullName;
        Environment.SetEnvironmentVariable("PYRESOLVE_HOME", Path.Combine(root, "home"));
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
    }
}

/// <summary>Tests that change the process's environment run alone.</summary>
[CollectionDefinition(nameof(EnvironmentTests), DisableParallelization = true)]
public sealed class EnvironmentTests;
