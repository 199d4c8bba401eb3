using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PyResolve.Cli.Output;

/// <summary>
/// Standard input, output and error, each of which a shell can close (<c>&gt;&amp;-</c>). The next file or socket that is opened, by the
/// runtime or by this program, then takes its number, and would get what is meant for people.
/// </summary>
internal static partial class StandardStreams
{
    private const int GetFlags = 1;
    private const int CloseOnExec = 1;
    private const int Interrupted = 4;

    private static readonly bool[] IsGiven = [IsInherited(0), IsInherited(1), IsInherited(2)];
    private static readonly List<SafeFileHandle> Reserved = [];

    public static TextReader Input => IsGiven[0] ? Console.In : TextReader.Null;

    public static TextWriter Output => IsGiven[1] ? Console.Out : TextWriter.Null;

    public static TextWriter Error => IsGiven[2] ? Console.Error : TextWriter.Null;

    public static bool HasInputTerminal => IsGiven[0] && !Console.IsInputRedirected;

    public static bool HasOutputTerminal => IsGiven[1] && !Console.IsOutputRedirected;

    public static bool HasErrorTerminal => IsGiven[2] && !Console.IsErrorRedirected;

    public static Stream OpenInput() => IsGiven[0] ? Console.OpenStandardInput() : Stream.Null;

    public static Stream OpenOutput() => IsGiven[1] ? Console.OpenStandardOutput() : Stream.Null;

    public static Stream OpenError() => IsGiven[2] ? Console.OpenStandardError() : Stream.Null;

    /// <summary>Writes to standard output without the runtime's console, which takes a thread and handlers of signals. Until the reader is
    /// gone; after that, to nowhere.</summary>
    public static void WriteOutput(ReadOnlySpan<byte> text)
    {
        if (OperatingSystem.IsWindows())
        {
            using var output = Console.OpenStandardOutput();
            output.Write(text);
            return;
        }
        while (IsGiven[1] && text.Length > 0)
        {
            var written = Write(1, text, (nuint)text.Length);
            if (written < 0 && Marshal.GetLastPInvokeError() != Interrupted)
                return;
            text = text[(int)Math.Max(written, 0)..];
        }
    }

    /// <summary>Takes the numbers that are still free, so that no file gets them. First of all.</summary>
    public static void ReserveNumbers()
    {
        if (OperatingSystem.IsWindows() || IsGiven is [true, true, true])
            return;
        while (File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite) is var handle)
        {
            Reserved.Add(handle);
            if (handle.DangerousGetHandle() >= IsGiven.Length)
                return;
        }
    }

    /// <summary>What another program has opened for this one stays open when it starts. The runtime's own files do not.</summary>
    private static bool IsInherited(int number) =>
        OperatingSystem.IsWindows() || (Control(number, GetFlags) is >= 0 and var flags && (flags & CloseOnExec) == 0);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int file, int command);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Write(int file, ReadOnlySpan<byte> text, nuint length);
}
