using System.Text.RegularExpressions;

namespace PyResolve.Server.Backups;

/// <summary>Why a file or folder cannot be used, without the name of the file that was tried, which may be a draft's.</summary>
internal static partial class FileFailure
{
    public static string Explain(Exception exception) => exception switch
    {
        UnauthorizedAccessException => $"permission denied to {Environment.UserName}.",
        DirectoryNotFoundException => "there is no such folder.",
        // How .NET reports what the file system, or a limit of the user, does not allow.
        ArgumentOutOfRangeException => "the file is too large for its file system or for a limit of the user.",
        _ when Path().Match(exception.Message) is { Success: true } path => $"{exception.Message[..path.Index].Trim()}.",
        _ => exception.Message,
    };

    /// <summary>At the end of the operating system's reason.</summary>
    [GeneratedRegex(@"\s*:\s*'.*'\.?$", RegexOptions.Singleline)]
    private static partial Regex Path();
}
