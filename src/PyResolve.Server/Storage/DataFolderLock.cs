using PyResolve.Server.Hosting;

namespace PyResolve.Server.Storage;

/// <summary>
/// Keeps a second server off the folder of an embedded database. The operating system releases it with the process, however it ends.
/// Operator commands do not take it: they work beside the server.
/// </summary>
internal sealed class DataFolderLock(SqliteFolder folder) : IHostedLifecycleService, IDisposable
{
    public const string FileName = "pyresolve.lock";

    private FileStream? _file;

    /// <exception cref="DataFolderInUseException">Another server runs on the folder.</exception>
    /// <exception cref="DataFolderException">It cannot be used.</exception>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder.Path, FileName);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = PrivateData.FileMode;
        try
        {
            _file = new FileStream(path, options);
        }
        catch (IOException exception) when (File.Exists(path))
        {
            throw new DataFolderInUseException(
                $"Another server uses the data folder {folder.Path}. An embedded database serves one server: stop the other one, give this "
                + "one a folder of its own in PYRESOLVE_DATA, or use PostgreSQL (DATABASE_URL) for several.",
                exception);
        }
        catch (Exception exception) when (FileFault.Is(exception))
        {
            throw new DataFolderException(folder.Path, exception);
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _file?.Dispose();
}

/// <summary>The folder of the embedded database.</summary>
internal sealed record SqliteFolder(string Path)
{
    /// <summary>Where there is no database, one is made.</summary>
    public bool MayBeEmpty { get; init; } = true;

    public string DatabaseFile => System.IO.Path.Combine(Path, "pyresolve.db");
}

internal sealed class DataFolderInUseException(string message, Exception cause) : IOException(message, cause);
