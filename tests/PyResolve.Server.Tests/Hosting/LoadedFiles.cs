namespace PyResolve.Server.Tests.Hosting;

internal static class LoadedFiles
{
    /// <summary>The names of the files that the process has in its memory, from the system's own table.</summary>
    public static IReadOnlySet<string> Of(ServerProcess server) =>
        File.ReadLines($"/proc/{server.ProcessId}/maps").Select(static line => Path.GetFileName(line)).ToHashSet();
}
