using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PyResolve.TestKit;

internal static partial class Signals
{
    public const int Quit = 3;
    public const int Terminate = 15;

    /// <summary>Does nothing where the process has ended.</summary>
    public static void Send(Process process, int signal)
    {
        if (!process.HasExited && Kill(process.Id, signal) != 0 && !process.HasExited)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
