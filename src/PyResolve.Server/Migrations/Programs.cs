using PyResolve.Cli.Migrations;

namespace PyResolve.Server.Migrations;

/// <summary>Finds programs on the PATH, never in the current folder.</summary>
internal static class Programs
{
    public static string SearchPath { get; } = Environment.GetEnvironmentVariable("PATH") is { Length: > 0 } path
        ? path
        : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public static string? Find(string name) => name.Contains('/', StringComparison.Ordinal)
        ? name
        : ExecutableFile.Find(name, SearchPath);
}
