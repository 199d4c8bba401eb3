using System.Runtime.InteropServices;
using PyResolve.Migrators.Pydantic;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Migrations;

/// <summary>The migrator inside this program. It runs in a process of its own, like any other.</summary>
internal static class BuiltinMigrator
{
    /// <summary>The name in the configuration, and the argument that makes this program that migrator.</summary>
    public const string Name = "builtin:pydantic";

    public static bool IsMeant(string[] args) => args is [Name, _];

    public static int Run(string path)
    {
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            stop.Cancel();
        });
        try
        {
            return PydanticMigration.Run(path, Console.Out, Console.Error, stop.Token);
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }

    public static IReadOnlyList<string> GetWords(string path) =>
        [.. OwnProgram.GetWords(static () => Programs.Find("dotnet")), Name, path];
}
