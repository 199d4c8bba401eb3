using System.Globalization;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Migrations;

/// <summary>
/// The folders of runs, below one of this process alone. A lock that ends with the process tells those of a killed server, whose folders
/// and processes the next start removes.
/// </summary>
internal sealed partial class RunFolders(MigrationOptions options, TimeProvider time, ILogger<RunFolders> log) : IHostedService, IDisposable
{
    private const string LockExtension = ".lock";
    private const int MaxUsers = 1_000;

    // Others, who are the migrators, may enter it but not list it.
    private const UnixFileMode SharedMode = PrivateData.FolderMode | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private FileStream? _lock;
    private string? _path;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!options.HasMigrators)
            return Task.CompletedTask;
        if (!NativeFiles.IsRoot)
            NativeFiles.HideProcess();
        CreateShared(options.Folder);
        return RemoveLeftoversAsync();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Creates a folder with the files in it, of a user of its own where this process may give it away.</summary>
    public LockedRun Create(Guid id, IReadOnlyDictionary<string, byte[]> files)
    {
        var user = NativeFiles.IsRoot ? LockUser() : null;
        var name = string.Create(CultureInfo.InvariantCulture, $"{id:n}-{user?.Id ?? NativeFiles.UserId}");
        var path = Path.Combine(OwnFolder(), name);
        try
        {
            return new LockedRun(RunFolder.Create(path, user?.Id, files), user?.Lock);
        }
        catch
        {
            user?.Lock.Dispose();
            RunFolder.Delete(path);
            throw;
        }
    }

    public void Dispose()
    {
        if (_lock is null || _path is null)
            return;
        RunFolder.Delete(_path);
        File.Delete(_lock.Name);
        _lock.Dispose();
        _lock = null;
    }

    public static string MarkOf(string runFolder) => $"PYRESOLVE_MIGRATION={Path.GetFileName(runFolder)}";

    private string OwnFolder()
    {
        lock (options)
        {
            if (_path is not null)
                return _path;
            var path = Path.Combine(options.Folder, Guid.CreateVersion7(time.GetUtcNow()).ToString("n"));
            _lock = TryLock(path + LockExtension) ?? throw new IOException($"{path}{LockExtension} is in use.");
            CreateShared(path);
            return _path = path;
        }
    }

    private (int Id, FileStream Lock)? LockUser()
    {
        var folder = Path.Combine(options.Folder, "users");
        CreateShared(folder);
        for (var id = options.FirstUserId; id < options.FirstUserId + MaxUsers; id++)
        {
            if (TryLock(Path.Combine(folder, id.ToString(CultureInfo.InvariantCulture))) is { } held)
                return (id, held);
        }

        throw new IOException("Every user id for migrations is in use.");
    }

    private async Task RemoveLeftoversAsync()
    {
        foreach (var folder in Directory.EnumerateDirectories(options.Folder).Where(static path => Path.GetFileName(path) != "users"))
        {
            using var held = TryLock(folder + LockExtension);
            if (held is null)
                continue;
            try
            {
                foreach (var run in Directory.EnumerateDirectories(folder))
                    await EndAsync(run);
                RunFolder.Delete(folder);
                File.Delete(held.Name);
                Log.Removed(log, folder);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Log.NotRemoved(log, exception, folder);
            }
        }
    }

    private async Task EndAsync(string run)
    {
        var user = int.Parse(run[(run.LastIndexOf('-') + 1)..], CultureInfo.InvariantCulture);
        if (user == NativeFiles.UserId)
        {
            await new RunProcesses(MarkOf(run), userId: null).KillAsync();
            return;
        }

        // Where the lock is held, the user is another run's by now, and what this one left behind was ended before.
        using var held = TryLock(Path.Combine(options.Folder, "users", user.ToString(CultureInfo.InvariantCulture)));
        if (held is not null)
            await new RunProcesses(MarkOf(run), user).KillAsync();
    }

    private static FileStream? TryLock(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = PrivateData.FileMode;
        try
        {
            return new FileStream(path, options);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static void CreateShared(string path)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("POST /migrate runs on Linux only.");
        Directory.CreateDirectory(path, SharedMode);
        if (NativeFiles.Find(path) is not { IsFolder: true } kind || kind.UserId != (uint)NativeFiles.UserId)
            throw new IOException($"{path} belongs to another user. Name another folder in PyResolve:Migrate:Folder.");
        File.SetUnixFileMode(path, SharedMode);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Removed the folder {Folder} of migrations that a killed server left.")]
        public static partial void Removed(ILogger log, string folder);

        [LoggerMessage(LogLevel.Warning, "The folder {Folder} of migrations that a killed server left could not be removed.")]
        public static partial void NotRemoved(ILogger log, Exception exception, string folder);
    }
}

/// <summary>A run's folder, with the lock on its user where it has one.</summary>
internal sealed class LockedRun(RunFolder folder, FileStream? user) : IDisposable
{
    public RunFolder Folder => folder;

    public void Dispose()
    {
        folder.Delete();
        user?.Dispose();
    }
}
