#if !NET
using System.ComponentModel;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace PyResolve.Client;

/// <summary>netstandard2.0 has no Unix file modes: libc creates the files with their mode.</summary>
internal static partial class PrivateFile
{
    private const uint OwnerOnly = 0x180; // 0600
    private const uint OwnerOnlyFolder = 0x1C0; // 0700
    private const int OthersMayRead = 0x24; // 0044
    private const int MaxLinks = 40;
    private const int MaxPath = 4096;

    private static bool IsUnix => !RuntimeInformation.IsOSPlatform(OSPlatform.Windows);

    public static bool IsReadableByOthers(string path)
    {
        // .NET 7 and later have File.GetUnixFileMode, and can load the build for netstandard2.0.
        var mode = typeof(File).GetMethod("GetUnixFileMode", [typeof(string)]);
        return IsUnix && mode is not null && File.Exists(path) && (Convert.ToInt32(mode.Invoke(null, [path])) & OthersMayRead) != 0;
    }

    public static FileShare Exclusive => !IsUnix ? FileShare.Delete : FileShare.None;

    public static FileStream Create(string path)
    {
        if (File.Exists(path))
            throw new IOException($"{path} exists already.");
        CreateEmpty(path);
        return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, Exclusive, bufferSize: 1);
    }

    private static void MakeFolder(string path)
    {
        if (IsUnix)
            _ = mkdir(path, OwnerOnlyFolder);
        // Succeeds if the folder exists now; throws the usual exception otherwise.
        Directory.CreateDirectory(path);
    }

    public static string FinalTarget(string path)
    {
        for (var links = 0; IsUnix && LinkTarget(path) is { } target; links++)
        {
            if (links == MaxLinks)
                throw new IOException($"Too many symbolic links: {path}.");
            path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, target));
        }

        return path;
    }

    private static string? LinkTarget(string path)
    {
        var target = new byte[MaxPath];
        var length = (int)readlink(path, target, (IntPtr)target.Length);
        return length > 0 ? Encoding.UTF8.GetString(target, 0, length) : null;
    }

    private static FileStream CreateOwnerOnly(string path)
    {
        CreateEmpty(path);
        return new(path, IsUnix ? FileMode.Open : FileMode.CreateNew, FileAccess.Write, FileShare.None);
    }

    public static FileStream OpenOwnerOnly(string path)
    {
        if (!File.Exists(path))
            CreateEmpty(path);
        return new(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
    }

    private static void CreateEmpty(string path)
    {
        if (!IsUnix)
            return;
        var descriptor = creat(path, OwnerOnly);
        if (descriptor < 0)
            throw new IOException(new Win32Exception(Marshal.GetLastWin32Error()).Message);
        _ = close(descriptor);
    }

    private static void Move(string from, string to)
    {
        try
        {
            if (!File.Exists(to))
            {
                File.Move(from, to);
                return;
            }
        }
        catch (IOException) when (File.Exists(to))
        {
            // Another writer was faster; the last one wins.
        }

        File.Replace(from, to, destinationBackupFileName: null);
    }

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int creat(string path, uint mode);

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int mkdir(string path, uint mode);

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern IntPtr readlink(string path, [Out] byte[] target, IntPtr size);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int descriptor);
}
#endif
