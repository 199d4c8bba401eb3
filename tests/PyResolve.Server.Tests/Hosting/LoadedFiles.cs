namespace PyResolve.Server.Tests.Hosting;

internal static class LoadedFiles
{
    /// <summary>The names of the files that are mapped into the process.</summary>
    public static IReadOnlySet<string> Of(ServerProcess server) =>
        File.ReadLines($"/proc/{server.ProcessId}/maps").Select(static line => Path.GetFileName(line)).ToHashSet();
}
