using System.Runtime.InteropServices;
using System.Text;

namespace PyResolve.Cli.Output;

/// <summary>
/// Turns off, until disposed, that the terminal shows what is typed. Between two calls of <see cref="Console.ReadKey(bool)"/> it would show
/// what is pasted, and what is typed early.
/// </summary>
internal sealed partial class HiddenInput : IDisposable
{
    private const int StandardInput = 0;
    private const int AfterOutput = 1;
    private const uint Echo = 8;

    // The struct termios of the system, which is smaller. The flags to change are its fourth number.
    private readonly byte[] _settings = new byte[256];
    private readonly bool _isChanged;

    public HiddenInput()
    {
        if (OperatingSystem.IsWindows() || GetSettings(StandardInput, _settings) != 0)
            return;
        var changed = _settings.ToArray();
        // The low byte of that number: little-endian, as every processor is that this runs on.
        changed[3 * (OperatingSystem.IsMacOS() ? sizeof(ulong) : sizeof(uint))] &= unchecked((byte)~Echo);
        _isChanged = SetSettings(StandardInput, AfterOutput, changed) == 0;
    }

    /// <summary>What is typed before the return key; <see langword="null"/> at the end of the input.</summary>
    public static string? ReadLine(TextReader input) => OperatingSystem.IsWindows() ? ReadKeys() : input.ReadLine();

    public void Dispose()
    {
        if (_isChanged)
            _ = SetSettings(StandardInput, AfterOutput, _settings);
    }

    private static string ReadKeys()
    {
        var line = new StringBuilder();
        while (Console.ReadKey(intercept: true) is var key && key.Key != ConsoleKey.Enter)
        {
            if (key.Key == ConsoleKey.Backspace && line.Length > 0)
                line.Length--;
            else if (!char.IsControl(key.KeyChar))
                line.Append(key.KeyChar);
        }
        return line.ToString();
    }

    [LibraryImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
    private static partial int GetSettings(int file, [Out] byte[] settings);

    [LibraryImport("libc", EntryPoint = "tcsetattr", SetLastError = true)]
    private static partial int SetSettings(int file, int when, byte[] settings);
}
