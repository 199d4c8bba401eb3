namespace PyResolve.Server.Backups;

/// <summary>Why a file or folder cannot be used, without the name of the file that was tried, which may be a draft's.</summary>
internal static class FileFailure
{
    public static string Explain(Exception exception) => exception switch
    {
        UnauthorizedAccessException => $"permission denied to {Environment.UserName}.",
        DirectoryNotFoundException => "there is no such folder.",
        // How .NET reports what the file system, or a limit of the user, does not allow.
        ArgumentOutOfRangeException => "the file is too large for its file system or for a limit of the user.",
        // The operating system's reason, before the path.
        _ when exception.Message.IndexOf(" : '", StringComparison.Ordinal) is var path and > 0 => $"{exception.Message[..path]}.",
        _ => exception.Message,
    };
}
