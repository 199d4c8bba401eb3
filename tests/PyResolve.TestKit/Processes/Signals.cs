using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace PyResolve.TestKit;

internal static partial class Signals
{
    public const int Quit = 3;
    public const int Terminate = 15;

    // The numbers on Linux.
    public const int Stop = 19;
    public const int Continue = 18;

    private const int NoSuchProcess = 3;

    /// <summary>To a process, and then to its children. On Linux.</summary>
    public static void SendToFamily(Process process, int signal)
    {
        Send(process, signal);
        foreach (var child in ChildrenOf(process.Id))
        {
            if (Kill(child, signal) != 0 && Marshal.GetLastPInvokeError() != NoSuchProcess)
                throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    private static IEnumerable<int> ChildrenOf(int processId) =>
        from id in Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
        where id!.All(char.IsAsciiDigit)
        let stat = TryRead($"/proc/{id}/stat")
        where stat is not null
        // After the name, which is in parentheses and may contain anything: state, then the parent.
        let fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')
        where fields[1] == processId.ToString(CultureInfo.InvariantCulture)
        select int.Parse(id!, CultureInfo.InvariantCulture);

    private static string? TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Does nothing where the process has ended.</summary>
    public static void Send(Process process, int signal)
    {
        if (!process.HasExited && Kill(process.Id, signal) != 0 && !process.HasExited)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
