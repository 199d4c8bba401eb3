namespace PyResolve.Server.Storage;

/// <summary>
/// The embedded database holds e-mails, hashes of passwords and digests of sessions: its files are readable by their owner alone, whatever
/// the umask, also those that an earlier version made.
/// </summary>
internal static class PrivateData
{
    public const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    public const UnixFileMode FolderMode = FileMode | UnixFileMode.UserExecute;

    // SQLite makes the later files with the mode of the first.
    private static readonly string[] Suffixes = ["-wal", "-shm", "-journal"];

    /// <summary>Creates the folder and the database's file, or corrects their modes.</summary>
    public static void Protect(string file)
    {
        var folder = Path.GetDirectoryName(file)!;
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        if (!Directory.Exists(folder))
            Directory.CreateDirectory(folder, FolderMode);
        else if (IsOurs(folder, file))
            TrySetMode(folder, FolderMode);
        if (!File.Exists(file))
        {
            using var created = new FileStream(file, new FileStreamOptions
            {
                Mode = System.IO.FileMode.OpenOrCreate,
                Access = FileAccess.Write,
                Share = FileShare.ReadWrite,
                UnixCreateMode = FileMode,
            });
        }

        foreach (var existing in Suffixes.Select(suffix => file + suffix).Prepend(file).Where(File.Exists))
            TrySetMode(existing, FileMode);
    }

    /// <summary>A folder with the server's files alone. Others may need to read one that has more in it.</summary>
    private static bool IsOurs(string folder, string file) => Directory.EnumerateFileSystemEntries(folder).All(
        entry => entry.StartsWith(file, StringComparison.Ordinal)
            || Path.GetFileName(entry) is DataFolderLock.FileName
            || Path.GetFileName(entry).StartsWith("lease-key.pem", StringComparison.Ordinal)
            || Path.GetFileName(entry).StartsWith("encryption-key", StringComparison.Ordinal));

    private static void TrySetMode(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
            return;
        try
        {
            if (File.GetUnixFileMode(path) != mode)
                File.SetUnixFileMode(path, mode);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            // Another user's file, or a file system without modes: its owner decides.
        }
    }
}
