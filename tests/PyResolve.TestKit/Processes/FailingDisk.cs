using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace PyResolve.TestKit;

/// <summary>
/// A disk that does not keep what is written: the kernel itself answers fsync with an error (seccomp). On Linux, x64 and arm64.
/// </summary>
public static class FailingDisk
{
    public const int IoError = 5;
    public const int Invalid = 22;
    public const int Full = 28;
    public const int ReadOnly = 30;

    private const int SetFilter = 1;
    private const int OfAllThreads = 1;
    private const int NoNewPrivileges = 38;

    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Fails permanently for this process.</summary>
    public static void Begin() => Install(IoError, OfAllThreads, isStopped: false);

    /// <summary>Fails during an action, on a separate thread. For other threads that the action uses, the disk works.</summary>
    /// <param name="action">The action.</param>
    /// <param name="error">The error of fsync.</param>
    /// <param name="isStopped">Whether truncating files fails too.</param>
    public static void Run(Action action, int error = IoError, bool isStopped = false)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() => failure = Catch(() => Install(error, flags: 0, isStopped)) ?? Catch(action));
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    [SuppressMessage("Design", "CA1031", Justification = "It is thrown where the caller is.")]
    private static ExceptionDispatchInfo? Catch(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception exception)
        {
            return ExceptionDispatchInfo.Capture(exception);
        }
    }

    private static void Install(int error, int flags, bool isStopped)
    {
        var fsync = IsArm ? 82u : 74u;
        var ftruncate = IsArm ? 46u : 77u;
        // Load the number of the system call; jump to the last instruction for these two; allow the call; return the error.
        ulong[] filter =
        [
            Instruction(0x20),
            Instruction(0x15, skip: 2, fsync),
            Instruction(0x15, skip: 1, isStopped ? ftruncate : fsync),
            Instruction(0x06, value: 0x7FFF0000),
            Instruction(0x06, value: 0x50000u | (uint)error),
        ];
        var pinned = GCHandle.Alloc(filter, GCHandleType.Pinned);
        try
        {
            var program = new FilterProgram { Length = (ushort)filter.Length, Filter = pinned.AddrOfPinnedObject() };
            if (Restrict(NoNewPrivileges, 1, 0, 0, 0) != 0 || Call(IsArm ? 277 : 317, SetFilter, flags, ref program) != 0)
                throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
        finally
        {
            pinned.Free();
        }
    }

    private static ulong Instruction(ushort code, byte skip = 0, uint value = 0) => code | ((ulong)skip << 16) | ((ulong)value << 32);

    [DllImport("libc", EntryPoint = "prctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Restrict(int option, nint first, nint second, nint third, nint fourth);

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Call(nint number, nint operation, nint flags, ref FilterProgram program);

    [StructLayout(LayoutKind.Sequential)]
    private struct FilterProgram
    {
        public ushort Length;
        public nint Filter;
    }
}
