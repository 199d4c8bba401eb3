using System.Collections.Concurrent;

namespace PyResolve.Client;

/// <summary>Creates files and folders that only their owner can read, and replaces files atomically.</summary>
internal static partial class PrivateFile
{
    // On Windows and Mono an HRESULT; on Unix .NET puts errno there.
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int LockViolation = unchecked((int)0x80070021);
    private const int WouldBlockOnLinux = 11;
    private const int WouldBlockOnBsd = 35;

    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(5);

    private static readonly ConcurrentDictionary<string, bool> SyncedFolders = new(StringComparer.Ordinal);

    /// <summary>
    /// Creates a folder and its missing parents, except the user's home. On Unix: mode 0700, each flushed to disk before the next.
    /// Thread-safe.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">The user has no home, and the folder would be in it.</exception>
    public static void CreateFolder(string path)
    {
        var exists = Directory.Exists(path);
        if (exists && SyncedFolders.ContainsKey(path))
            return;
        var parent = Path.GetDirectoryName(path);
        if (!exists)
        {
            SyncedFolders.TryRemove(path, out _);
            UserFolder.ThrowIf(path);
            // One by one, because the framework sets the mode of the last folder only.
            CreateFolder(parent!);
            MakeFolder(path);
        }

        // A folder that exists may have been created by a call that failed here, or by a process that died before this line.
        if (parent is not null)
            Durable.FlushFolder(parent);
        SyncedFolders[path] = true;
    }

    /// <summary>Replaces a file in one step: readers see the old or the new content. It is on disk when this returns.</summary>
    /// <exception cref="IOException">Flushing failed: after a power failure the file may have the old or the new content.</exception>
    public static void Replace(string path, byte[] bytes)
    {
        var temporary = $"{path}.{Uuid.NewVersion7(TimeProvider.System):N}.tmp";
        try
        {
            using (var stream = CreateOwnerOnly(temporary))
            {
                stream.Write(bytes, 0, bytes.Length);
                Durable.Flush(stream);
            }

            Move(temporary, path);
            Durable.FlushFolder(Path.GetDirectoryName(path)!);
        }
        catch
        {
            DeleteIfPossible(temporary);
            throw;
        }
    }

    /// <summary>Takes a lock across processes; waits for it, at most 10 s. Disposing releases it, and leaves the file.</summary>
    public static FileStream Lock(string path)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return OpenOwnerOnly(path);
            }
            catch (IOException exception) when (IsInUse(exception) && waited.Elapsed < LockTimeout)
            {
                // Another process has it, for milliseconds. This method is synchronous, as its callers are.
                CancellationToken.None.WaitHandle.WaitOne(LockPause);
            }
        }
    }

    /// <summary>Whether another process has the file open. A full or broken disk is no reason to wait.</summary>
    public static bool IsInUse(IOException exception) =>
        exception.HResult is SharingViolation or LockViolation or WouldBlockOnLinux or WouldBlockOnBsd;

    /// <summary>Whether an open file is locked for others here: not on some network mounts, and not if .NET is told so
    /// (<c>DOTNET_SYSTEM_IO_DISABLEFILELOCKING</c>). Found out by opening a file twice.</summary>
    /// <returns><see langword="null"/> when the file cannot be opened.</returns>
    public static bool? HasLocks(string path)
    {
        try
        {
            using var first = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, Exclusive, bufferSize: 1);
            using var second = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, Exclusive, bufferSize: 1);
            return false;
        }
        catch (IOException exception) when (IsInUse(exception))
        {
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void DeleteIfPossible(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The failure before this one is the one to report.
        }
    }
}
