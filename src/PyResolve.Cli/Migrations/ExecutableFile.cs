namespace PyResolve.Cli.Migrations;

internal static class ExecutableFile
{
    private const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Whether there is such a file and somebody may run it. Never on Windows, where files have no such mode.</summary>
    public static bool Is(string path) =>
        !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & Execute) != UnixFileMode.None;

    /// <summary>A bare name in the absolute folders of a search path, such as PATH; never in the current folder, where the runtime would
    /// look first.</summary>
    public static string? Find(string name, string? searchPath) => (searchPath ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Where(Path.IsPathRooted)
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(Is);
}
