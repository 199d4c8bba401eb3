using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Doctor;

/// <summary>The folder of the embedded database: rights, room, and what kind of disk it is on. Before the database is opened.</summary>
internal sealed class FolderCheck(ServerOptions options, SqliteFolder folder)
{
    private const string About = "Folder";
    private const string FirstStart =
        "The first start makes it. If this server has run before, PYRESOLVE_DATA names another folder than its own.";

    private const long Megabyte = 1024 * 1024;
    private const long TooLittle = 100 * Megabyte;
    private const long Little = 1024 * Megabyte;
    private const UnixFileMode ForOthers = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite;

    private const UnixFileMode ForOthersToWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    private static readonly string[] NetworkDisks = ["nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "9p", "fuse.sshfs"];

    private string Folder => folder.Path;

    /// <summary>Opening the embedded database makes its folder.</summary>
    public bool CanBeOpened { get; private set; } = true;

    public IReadOnlyList<Finding> Run()
    {
        if (options.DatabaseUrl is not null)
            return [];
        if (!Directory.Exists(Folder))
        {
            CanBeOpened = false;
            return [CheckParent()];
        }

        var disk = FindDisk(Folder);
        List<Finding> findings = [CheckWrite(), CheckRoom(disk)];
        // Whoever may not write there may not list the files either, mostly.
        if (CanBeOpened)
            findings.AddRange(CheckRights());
        if (CanBeOpened && !File.Exists(folder.DatabaseFile))
        {
            CanBeOpened = false;
            findings.Add(new(About, HealthState.Look, $"There is no database in {Folder} yet.", FirstStart));
        }

        if (IsShare(Folder) || (disk is not null && NetworkDisks.Contains(disk.DriveFormat, StringComparer.OrdinalIgnoreCase)))
        {
            findings.Add(new(
                About, HealthState.Bad, $"{Folder} is on a network disk, whose locks do not keep two writers apart.",
                "Set PYRESOLVE_DATA to a folder on a local disk, or use PostgreSQL (DATABASE_URL)."));
        }

        return findings;
    }

    /// <summary>The first start makes the folder, in the nearest one that is there.</summary>
    private Finding CheckParent()
    {
        var parent = Path.GetFullPath(Folder);
        while (!Directory.Exists(parent))
        {
            if (File.Exists(parent))
                return new(About, HealthState.Bad, $"{parent} is a file, not a folder.", "Set PYRESOLVE_DATA to a folder.");
            parent = Path.GetDirectoryName(parent)!;
        }

        var probe = Path.Combine(parent, $".doctor-{Path.GetRandomFileName()}");
        try
        {
            Directory.CreateDirectory(probe);
            Directory.Delete(probe);
            return new(About, HealthState.Look, $"{Folder} does not exist yet.", FirstStart);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new(
                About, HealthState.Bad,
                $"{Folder} does not exist, and {Environment.UserName} cannot make it in {parent}: {exception.Message}",
                PrivateData.HowToAllow(Folder));
        }
    }

    /// <summary>More than one block, and flushed: a full disk may take less.</summary>
    private Finding CheckWrite()
    {
        var file = Path.Combine(Folder, $".doctor-{Path.GetRandomFileName()}");
        try
        {
            using (var stream = new FileStream(file, FileMode.CreateNew))
            {
                stream.Write(new byte[64 * 1024]);
                stream.Flush(flushToDisk: true);
            }

            return new(About, HealthState.Good, $"{Folder} takes what is written.");
        }
        catch (UnauthorizedAccessException)
        {
            CanBeOpened = false;
            return new(
                About, HealthState.Bad, $"{Environment.UserName} may not write to {Folder}.", PrivateData.HowToAllow(Folder));
        }
        // The second: a limit on the size of files, which the runtime takes for a wrong argument.
        catch (Exception exception) when (exception is IOException or ArgumentOutOfRangeException)
        {
            CanBeOpened = false;
            return new(
                About, HealthState.Bad, $"{Folder} does not take what is written: {exception.Message}",
                "Make room on its disk, or set PYRESOLVE_DATA to a folder on another one.");
        }
        finally
        {
            TryDelete(file);
        }
    }

    /// <summary>A share of another machine, as Windows names it: \\machine\share, or \\?\UNC\machine\share.</summary>
    public static bool IsShare(string folder) => folder.StartsWith(@"\\?\UNC\", StringComparison.OrdinalIgnoreCase)
        || (folder.StartsWith(@"\\", StringComparison.Ordinal) && !folder.StartsWith(@"\\?\", StringComparison.Ordinal)
            && !folder.StartsWith(@"\\.\", StringComparison.Ordinal));

    /// <returns>null where it is not known: a share of Windows has none.</returns>
    public static DriveInfo? FindDisk(string folder)
    {
        try
        {
            var disk = new DriveInfo(folder);
            return disk.IsReady ? disk : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>What a file or a folder that belongs to somebody else is to this process.</summary>
    public static Finding OfAnotherUser(UnauthorizedAccessException exception) => new(
        About, HealthState.Bad, $"{Environment.UserName} lacks a right: {exception.Message}",
        "Run the server and its commands as the user that owns the folder and the files in it (PYRESOLVE_DATA).");

    private Finding CheckRoom(DriveInfo? disk)
    {
        if (disk is null)
        {
            return new(
                About, HealthState.Look, $"How much room is free on the disk of {Folder} is not known.", "Look there before it is full.");
        }

        var free = disk.AvailableFreeSpace;
        var text = $"{free / Megabyte:N0} MB are free on the disk of {Folder}.";
        return free < TooLittle ? new(About, HealthState.Bad, text, "Make room: without it the server accepts no writes.")
            : free < Little ? new(About, HealthState.Look, text, "Make room before it is full.")
            : new(About, HealthState.Good, text);
    }

    private List<Finding> CheckRights()
    {
        List<Finding> findings = [];
        if (OperatingSystem.IsWindows())
            return findings;
        try
        {
            if ((File.GetUnixFileMode(Folder) & ForOthersToWrite) != UnixFileMode.None)
            {
                findings.Add(new(
                    About, HealthState.Bad, $"Other users of this machine may write to {Folder}, and replace the database.",
                    $"chmod 700 {ShellWord.Quote(Folder)}"));
            }

            foreach (var file in Directory.EnumerateFiles(Folder).Where(IsSecret).Order(StringComparer.Ordinal))
            {
                if ((File.GetUnixFileMode(file) & ForOthers) != UnixFileMode.None)
                {
                    findings.Add(new(
                        About, HealthState.Bad, $"Other users of this machine may read {file}.", $"chmod 600 {ShellWord.Quote(file)}"));
                }
            }
        }
        catch (UnauthorizedAccessException exception)
        {
            CanBeOpened = false;
            findings.Add(OfAnotherUser(exception));
        }

        return findings;
    }

    private static bool IsSecret(string file) => Path.GetFileName(file) is var name
        && (name.StartsWith("pyresolve.db", StringComparison.Ordinal)
            || name.StartsWith("lease-key.pem", StringComparison.Ordinal)
            || name.StartsWith(EncryptionKeys.FileName, StringComparison.Ordinal));

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The finding is about the same.
        }
    }
}
