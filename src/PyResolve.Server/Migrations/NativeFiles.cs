using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace PyResolve.Server.Migrations;

/// <summary>The kind of what is at a path, without following a link.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FileKind(bool IsFile, bool IsFolder, uint Links, uint UserId, long Size);

/// <summary>Calls of Linux that .NET has no name for.</summary>
internal static partial class NativeFiles
{
    private const int CurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const uint BasicStatistics = 0x7ff;
    private const int SetDumpable = 4;

    public static bool IsRoot => OperatingSystem.IsLinux() && GetEffectiveUserId() == 0;

    public static int UserId => OperatingSystem.IsLinux() ? (int)GetEffectiveUserId() : -1;

    public static FileKind? Find(string path)
    {
        Span<byte> buffer = stackalloc byte[256];
        if (Statx(CurrentFolder, path, NoFollow, BasicStatistics, buffer) != 0)
            return null;
        // The layout of struct statx is the same on every architecture.
        var mode = BinaryPrimitives.ReadUInt16LittleEndian(buffer[28..]);
        return new FileKind(
            (mode & 0xF000) == 0x8000,
            (mode & 0xF000) == 0x4000,
            BinaryPrimitives.ReadUInt32LittleEndian(buffer[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(buffer[20..]),
            BinaryPrimitives.ReadInt64LittleEndian(buffer[40..]));
    }

    public static void Give(string path, int userId)
    {
        if (ChangeOwner(path, userId, userId) != 0)
            throw new IOException($"{path} could not be given to the user {userId}.", new Win32Exception());
    }

    public static void GiveHandle(int handle, int userId) => _ = ChangeOwnerOfHandle(handle, userId, userId);

    /// <summary>Keeps other processes of the same user from reading this one's environment and memory.</summary>
    public static void HideProcess() => _ = Control(SetDumpable, 0, 0, 0, 0);

    public static void Kill(int processId, int signal) => _ = SendSignal(processId, signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint GetEffectiveUserId();

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int folder, string path, int flags, uint mask, Span<byte> result);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ChangeOwner(string path, int userId, int groupId);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ChangeOwnerOfHandle(int handle, int userId, int groupId);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SendSignal(int processId, int signal);
}
