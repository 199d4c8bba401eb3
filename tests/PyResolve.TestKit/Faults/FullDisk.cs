using System.ComponentModel;
using System.Runtime.InteropServices;

namespace PyResolve.TestKit;

/// <summary>
/// A disk without room, for another process: from <see cref="Fill"/> on the kernel refuses whatever it writes to a file, until
/// <see cref="Empty"/>. On Linux. <see cref="Prepare"/> must run before that process is started.
/// </summary>
public static partial class FullDisk
{
    private const int FileSizeSignal = 25;
    private const nint Ignored = 1;
    private const int FileSize = 1;
    private const ulong NoLimit = ulong.MaxValue;

    /// <summary>Children then get an error, rather than be ended by a signal.</summary>
    public static void Prepare() => SetHandler(FileSizeSignal, Ignored);

    public static void Fill(int processId) => SetLimit(processId, 0);

    public static void Empty(int processId) => SetLimit(processId, NoLimit);

    private static void SetLimit(int processId, ulong bytes)
    {
        var limit = new Limit { Current = bytes, Highest = NoLimit };
        if (SetLimit(processId, FileSize, in limit, 0) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static partial nint SetHandler(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "prlimit", SetLastError = true)]
    private static partial int SetLimit(int processId, int resource, in Limit limit, nint old);

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Current;
        public ulong Highest;
    }
}
