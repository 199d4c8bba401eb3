using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PyResolve.Client;

/// <summary>Writes data to disk, and throws when the disk fails. On Unix it calls libc, because
/// <see cref="FileStream.Flush(bool)"/> ignores errors there.</summary>
/// <remarks>After a failed sync the system may drop the data and report success the next time: the data has to be written again. A folder
/// cannot be written again: its next success is believed, because a journaling file system keeps failing once its journal does.</remarks>
internal static partial class Durable
{
    // errno. "Not supported" is 95 on Linux, 45 on macOS and the BSDs; some file systems answer fcntl with 25.
    private const int NotPermitted = 1;
    private const int Interrupted = 4;
    private const int AccessDenied = 13;
    private const int Invalid = 22;
    private const int NotATerminal = 25;
    private const int NotSupportedOnBsd = 45;
    private const int NotSupportedOnLinux = 95;

    /// <summary>fcntl's F_FULLFSYNC on macOS, where fsync leaves the data in the drive's cache.</summary>
    private const int FullSync = 51;

    /// <summary>O_RDONLY and O_CLOEXEC.</summary>
    private static int OpenForReading => IsMacOS ? 0x1000000 : 0x80000;

    public static void Flush(FileStream stream)
    {
        if (IsWindows)
        {
            stream.Flush(flushToDisk: true);
            return;
        }

        stream.Flush();
        Sync(stream.SafeFileHandle, stream.Name);
    }

    /// <summary>Makes the names of the files in a folder safe. Windows has no such call, and keeps a journal of them.</summary>
    public static void FlushFolder(string path)
    {
        if (IsWindows)
            return;
        using var folder = Open(path, OpenForReading);
        if (!folder.IsInvalid)
        {
            Sync(folder, path);
            return;
        }

        var error = Marshal.GetLastWin32Error();
        // A folder that may be written but not listed cannot be synced. A sandbox answers "not permitted".
        if (error is not (AccessDenied or NotPermitted))
            throw Failure(path, error);
    }

    /// <summary>Ignores only files that cannot be synced at all. A read-only file system is a failure: it became so by an error.</summary>
    internal static void Sync(SafeFileHandle handle, string path)
    {
        var isFull = IsMacOS;
        while ((isFull ? Control(handle, FullSync) : Sync(handle)) != 0)
        {
            var error = Marshal.GetLastWin32Error();
            if (error == Interrupted)
                continue;
            if (error is not (Invalid or NotATerminal or NotSupportedOnBsd or NotSupportedOnLinux))
                throw Failure(path, error);
            if (!isFull)
                return;
            isFull = false;
        }
    }

    private static IOException Failure(string path, int error) =>
        new($"{path} did not reach the disk: {new Win32Exception(error).Message}.");

#if NET
    public static bool IsWindows => OperatingSystem.IsWindows();

    public static bool IsMacOS => OperatingSystem.IsMacOS();

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(SafeFileHandle file, int command);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle Open(string path, int flags);
#else
    public static bool IsWindows => RuntimeInformation.IsOSPlatform(OSPlatform.Windows);

    public static bool IsMacOS => RuntimeInformation.IsOSPlatform(OSPlatform.OSX);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Sync(SafeFileHandle file);

    [DllImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(SafeFileHandle file, int command);

    [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern SafeFileHandle Open(string path, int flags);
#endif
}
