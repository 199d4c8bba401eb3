using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PyResolve.Client;

/// <summary>
/// Makes what was written safe from a power cut, and throws where the disk refuses. On Unix it asks the system itself: there
/// <see cref="FileStream.Flush(bool)"/> takes every answer for success.
/// </summary>
/// <remarks>
/// After a failure the system may forget what it could not write, and call the next try a success. What is to be kept then has to be written again.
/// A folder cannot be: its next try is believed, because a file system with a journal stops, and goes on refusing, once it cannot write one.
/// </remarks>
internal static partial class Durable
{
    // errno. "Not supported" has a number for Linux, one for macOS and the BSDs, and one that some file systems answer fcntl by.
    private const int NotPermitted = 1;
    private const int Interrupted = 4;
    private const int AccessDenied = 13;
    private const int Invalid = 22;
    private const int NoSuchControl = 25;
    private const int NotSupportedOnBsd = 45;
    private const int NotSupportedOnLinux = 95;

    /// <summary>fcntl's F_FULLFSYNC on macOS, whose fsync leaves the data in the drive's own memory.</summary>
    private const int FullSync = 51;

    /// <summary>O_RDONLY and O_CLOEXEC.</summary>
    private static int ToRead => IsMacOS ? 0x1000000 : 0x80000;

    /// <summary>What was written to a file.</summary>
    /// <exception cref="IOException">It did not reach the disk.</exception>
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

    /// <summary>That files in a folder are there, under the names they have. Windows has no such call, and keeps a journal of them.</summary>
    /// <exception cref="IOException">It did not reach the disk.</exception>
    public static void FlushFolder(string path)
    {
        if (IsWindows)
            return;
        using var folder = Open(path, ToRead);
        if (!folder.IsInvalid)
        {
            Sync(folder, path);
            return;
        }

        var error = Marshal.GetLastWin32Error();
        // Who may write to a folder and not list it has no means to do this. A sandbox calls it "not permitted".
        if (error is not (AccessDenied or NotPermitted))
            throw Failure(path, error);
    }

    /// <summary>Only what cannot be synced at all is passed over. A read-only file system is not: so answers one that the system has stopped for an error.</summary>
    internal static void Sync(SafeFileHandle handle, string path)
    {
        var isFull = IsMacOS;
        while ((isFull ? Control(handle, FullSync) : Sync(handle)) != 0)
        {
            var error = Marshal.GetLastWin32Error();
            if (error == Interrupted)
                continue;
            if (error is not (Invalid or NoSuchControl or NotSupportedOnBsd or NotSupportedOnLinux))
                throw Failure(path, error);
            if (!isFull)
                return;
            isFull = false;
        }
    }

    private static IOException Failure(string path, int error) => new($"{path} did not reach the disk: {new Win32Exception(error).Message}.");

#if NET
    public static bool IsWindows => OperatingSystem.IsWindows();

    private static bool IsMacOS => OperatingSystem.IsMacOS();

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

    private static bool IsMacOS => RuntimeInformation.IsOSPlatform(OSPlatform.OSX);

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
