using PyResolve.Server.Hosting;

namespace PyResolve.Server.Storage;

/// <summary>
/// The embedded database holds emails, hashes of passwords and digests of sessions: its files are readable by their owner alone, whatever
/// the umask, also those that an earlier version made.
/// </summary>
internal static class PrivateData
{
    public const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    public const UnixFileMode FolderMode = FileMode | UnixFileMode.UserExecute;

    // SQLite makes the later files with the mode of the first.
    private static readonly string[] Suffixes = ["-wal", "-shm", "-journal"];

    /// <summary>Creates the folder and the database's file, or corrects their modes.</summary>
    /// <exception cref="DataFolderException">They cannot be made.</exception>
    public static void Protect(string file)
    {
        var folder = Path.GetDirectoryName(file)!;
        try
        {
            Make(folder, file);
        }
        catch (Exception exception) when (FileFault.Is(exception))
        {
            throw new DataFolderException(folder, exception);
        }

        foreach (var existing in Suffixes.Select(suffix => file + suffix).Prepend(file).Where(File.Exists))
            TrySetMode(existing, FileMode);
    }

    /// <summary>For what must not make an empty database in a folder that was mistyped.</summary>
    /// <exception cref="DataFolderException">The folder cannot be looked into.</exception>
    /// <exception cref="InvalidConfigurationException">There is no database in it.</exception>
    public static void Require(string file)
    {
        if (File.Exists(file))
            return;
        var folder = Path.GetDirectoryName(file)!;
        try
        {
            // Whoever may not look into it sees no file.
            if (Directory.Exists(folder))
                _ = Directory.GetFiles(folder);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new DataFolderException(folder, exception);
        }

        throw new InvalidConfigurationException(
            $"There is no database in {folder} (PYRESOLVE_DATA). Name the server's folder there, or its settings with --env-file. "
            + "A new server's database is made by its first start.");
    }

    /// <summary>What gives the user of this process the folder.</summary>
    public static string HowToAllow(string folder)
    {
        var (user, word) = (ShellWord.Quote(Environment.UserName), ShellWord.Quote(folder));
        return Directory.Exists(folder)
            ? $"Run the server and its commands as the folder's owner, or: chown -R {user} {word}"
            : $"Make it as root: install -d -o {user} -m 0700 {word}";
    }

    private static void Make(string folder, string file)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        if (!Directory.Exists(folder))
            Directory.CreateDirectory(folder, FolderMode);
        else if (IsOurs(folder, file))
            TrySetMode(folder, FolderMode);
        if (File.Exists(file))
            return;
        using var created = new FileStream(file, new FileStreamOptions
        {
            Mode = System.IO.FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
            UnixCreateMode = FileMode,
        });
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

/// <summary>The folder of the embedded database cannot be used.</summary>
internal sealed class DataFolderException(string folder, Exception cause) : IOException(Explain(folder, cause), cause)
{
    private static string Explain(string folder, Exception cause)
    {
        if (File.Exists(folder))
            return $"PYRESOLVE_DATA is {folder}, which is a file. Name a folder for the embedded database.";
        var fix = cause is UnauthorizedAccessException ? PrivateData.HowToAllow(folder) : "Name another one.";
        return $"PYRESOLVE_DATA is {folder}, a folder that cannot be used: {FileFault.Explain(cause)}. {fix}";
    }
}
