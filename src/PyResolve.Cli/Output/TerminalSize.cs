using System.Runtime.InteropServices;

namespace PyResolve.Cli.Output;

internal static partial class TerminalSize
{
    private const int UsualColumns = 80;
    private const int StandardError = 2;

    /// <summary>TIOCGWINSZ.</summary>
    private const nuint GetSize = 0x5413;

    /// <summary>Of the terminal at standard error, at this moment. Standard output may be a file.</summary>
    public static int ErrorColumns()
    {
        if (OperatingSystem.IsLinux())
            return GetWindowSize(StandardError, GetSize, out var size) == 0 && size.Columns > 0 ? size.Columns : UsualColumns;
        return OutputColumns();
    }

    /// <summary>Of the terminal at standard output.</summary>
    public static int OutputColumns()
    {
        try
        {
            return !StandardStreams.HasOutputTerminal || Console.WindowWidth <= 0 ? UsualColumns : Console.WindowWidth;
        }
        catch (IOException)
        {
            return UsualColumns;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct WindowSize
    {
        public readonly ushort Rows;
        public readonly ushort Columns;
        public readonly ushort Width;
        public readonly ushort Height;
    }

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetWindowSize(int fileDescriptor, nuint request, out WindowSize size);
}
