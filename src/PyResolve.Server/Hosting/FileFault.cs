namespace PyResolve.Server.Hosting;

/// <summary>
/// Why a file or a folder cannot be used, for a sentence that names it as the person did: the runtime's own messages quote a path, which
/// may be that of a draft beside the file.
/// </summary>
internal static class FileFault
{
    public static bool Is(Exception exception) => exception is IOException or UnauthorizedAccessException;

    public static string Explain(Exception exception) => exception switch
    {
        UnauthorizedAccessException => $"permission denied for {Environment.UserName}",
        FileNotFoundException => "there is no such file",
        PathTooLongException => "its name is too long",
        DirectoryNotFoundException => "there is no such folder",
        // How .NET reports what the file system, or a limit of the user, does not allow.
        ArgumentOutOfRangeException => "the file is too large for its file system or for a limit of the user",
        // The system's own words, and then the path.
        _ => exception.Message.Split(" : '")[0].TrimEnd('.'),
    };
}
