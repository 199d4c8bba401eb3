using System.Text;

namespace PyResolve.Cli.Output;

/// <summary>
/// Writes until the reader is gone (<c>pyresolve … | head -1</c>, or a terminal that was closed); after that, to nowhere. The command goes
/// on, so that what it has reserved is settled, and ends with its own exit code.
/// </summary>
internal sealed class QuietWriter(TextWriter inner) : TextWriter
{
    private bool _isGone;

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Try(static (writer, value) => writer.Write(value), value);

    public override void Write(string? value) => Try(static (writer, value) => writer.Write(value), value);

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void WriteLine() => Try(static (writer, _) => writer.WriteLine(), false);

    public override void WriteLine(string? value) => Try(static (writer, value) => writer.WriteLine(value), value);

    public override void Flush() => Try(static (writer, _) => writer.Flush(), false);

    private void Try<T>(Action<TextWriter, T> write, T value)
    {
        if (_isGone)
            return;
        try
        {
            write(inner, value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _isGone = true;
        }
    }
}
