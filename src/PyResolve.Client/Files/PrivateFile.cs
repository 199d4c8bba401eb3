using System.Collections.Concurrent;

namespace PyResolve.Client;

/// <summary>Files and folders that only their owner can read, from their first byte on, and that are replaced in one step.</summary>
internal static partial class PrivateFile
{
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(5);

    /// <summary>Folders that this process has found to be on disk.</summary>
    private static readonly ConcurrentDictionary<string, bool> KeptFolders = new(StringComparer.Ordinal);

    /// <summary>
    /// A folder that its owner alone can enter, and whichever is missing above it too, each on disk before anything is in it. Thread-safe.
    /// </summary>
    /// <exception cref="IOException">It cannot be made, or did not reach the disk: the next call tries that again.</exception>
    public static void CreateFolder(string path)
    {
        var exists = Directory.Exists(path);
        if (exists && KeptFolders.ContainsKey(path))
            return;
        var parent = Path.GetDirectoryName(path);
        if (!exists)
        {
            KeptFolders.TryRemove(path, out _);
            // The framework gives the mode to the last one alone.
            if (!Durable.IsWindows)
                CreateFolder(parent!);
            MakeFolder(path);
        }

        // One that exists may be a try's that failed here, or a process's that died before. Then those above it were on disk already.
        if (parent is not null)
            Durable.FlushFolder(parent);
        KeptFolders[path] = true;
    }

    /// <summary>Writes a file in one step: it is the old one or the new one at every instant, and on disk when this returns.</summary>
    /// <exception cref="IOException">It cannot be written, or did not reach the disk: which of the two is there after a power cut, nobody knows.</exception>
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
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Waits for its turn among all processes, at most 10 s. The file stays; disposing lets the next one go.</summary>
    /// <exception cref="IOException">It was not its turn in time, or the file cannot be made.</exception>
    public static FileStream Lock(string path)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return OpenOwnerOnly(path);
            }
            catch (IOException exception) when (exception is not (FileNotFoundException or DirectoryNotFoundException) && waited.Elapsed < LockPatience)
            {
                // Another process has its turn: a matter of milliseconds.
                CancellationToken.None.WaitHandle.WaitOne(LockPause);
            }
        }
    }
}
