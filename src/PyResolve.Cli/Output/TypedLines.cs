using System.Text;
using Microsoft.Win32.SafeHandles;

namespace PyResolve.Cli.Output;

/// <summary>
/// Standard input of a Unix terminal, line by line, edited and shown by the terminal itself. <see cref="Console.In"/> would set the
/// terminal up for reading single keys, and show a second time what was typed before it did.
/// </summary>
internal sealed class TypedLines : TextReader
{
    private const byte NewLine = (byte)'\n';

    private readonly FileStream _input = new(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    public override string? ReadLine()
    {
        var line = new List<byte>();
        Span<byte> next = stackalloc byte[1];
        while (_input.Read(next) == 1 && next[0] != NewLine)
            line.Add(next[0]);
        return line.Count == 0 && next[0] != NewLine ? null : Encoding.UTF8.GetString([.. line]);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _input.Dispose();
        base.Dispose(disposing);
    }
}
