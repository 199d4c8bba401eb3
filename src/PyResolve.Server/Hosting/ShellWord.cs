namespace PyResolve.Server.Hosting;

/// <summary>A word of a command, as a person pastes it into a POSIX shell.</summary>
internal static class ShellWord
{
    private const string Plain = "-_./:=@%+,";

    public static string Quote(string word) => word.Length > 0 && word.All(IsPlain)
        ? word
        : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>On Windows, which has no such shell, a backslash stands in paths.</summary>
    private static bool IsPlain(char letter) => char.IsAsciiLetterOrDigit(letter) || Plain.Contains(letter, StringComparison.Ordinal)
        || (letter == '\\' && OperatingSystem.IsWindows());
}
