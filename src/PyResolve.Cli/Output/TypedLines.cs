using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace PyResolve.Cli.Output;

/// <summary>
/// Standard input of a Unix terminal, line by line, edited and shown by the terminal itself. <see cref="Console.In"/> would set the
/// terminal up for reading single keys, and show a second time what was typed before it did.
/// </summary>
internal sealed partial class TypedLines : TextReader
{
    private const int StandardInput = 0;
    private const byte NewLine = (byte)'\n';

    private readonly FileStream _input = new(new SafeFileHandle(StandardInput, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    /// <exception cref="IOException">The terminal's window was closed.</exception>
    public override string? ReadLine()
    {
        var line = new List<byte>();
        Span<byte> next = stackalloc byte[1];
        while (_input.Read(next) == 1 && next[0] != NewLine)
            line.Add(next[0]);
        if (line.Count > 0 || next[0] == NewLine)
            return Encoding.UTF8.GetString([.. line]);
        // A closed window ends the input as Ctrl+D does, but then this is no terminal any more.
        return IsTerminal(StandardInput) ? null : throw new IOException("The terminal was closed.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _input.Dispose();
        base.Dispose(disposing);
    }

    [LibraryImport("libc", EntryPoint = "isatty")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool IsTerminal(int file);
}
