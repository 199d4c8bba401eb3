namespace PyResolve.Cli.Migrations;

internal static class ExecutableFile
{
    private const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Whether there is such a file and somebody may run it. Never on Windows, where files have no such mode.</summary>
    public static bool Is(string path) =>
        !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & Execute) != UnixFileMode.None;
}
