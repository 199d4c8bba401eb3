using System.Text;

namespace PyResolve.Server.Migrations;

/// <summary>The text that a migrator prints and reports, of a bounded length. Thread-safe.</summary>
internal sealed class MigrationLog(int mostBytes)
{
    private const int Longest = 64 * 1024;
    private const int LongestTail = 1_000;

    private readonly Lock _lock = new();
    private readonly StringBuilder _text = new();
    private long _bytes;
    private bool _isCut;

    /// <summary>Whether more was printed than a run is allowed to print.</summary>
    public bool HasOverflowed => Interlocked.Read(ref _bytes) > mostBytes;

    public async Task ReadAsync(Stream output)
    {
        var (buffer, characters, decoder) = (new byte[4096], new char[4097], Encoding.UTF8.GetDecoder());
        try
        {
            while (await output.ReadAsync(buffer) is > 0 and var read)
            {
                Add(characters.AsSpan(0, decoder.GetChars(buffer.AsSpan(0, read), characters, flush: false)));
                Interlocked.Add(ref _bytes, read);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The output was closed.
        }
    }

    public void AddLine(string text)
    {
        Interlocked.Add(ref _bytes, text.Length);
        Add($"{text}\n");
    }

    public override string ToString()
    {
        lock (_lock)
            return _isCut ? $"{_text}\n[…]\n" : _text.ToString();
    }

    /// <summary>The last lines, for a problem.</summary>
    public string Tail()
    {
        lock (_lock)
        {
            var text = _text.ToString(Math.Max(0, _text.Length - LongestTail), Math.Min(LongestTail, _text.Length)).Trim();
            return text.Length > 0 && char.IsLowSurrogate(text[0]) ? text[1..] : text;
        }
    }

    private void Add(ReadOnlySpan<char> text)
    {
        lock (_lock)
        {
            foreach (var character in text)
            {
                if (_text.Length >= Longest)
                {
                    _isCut = true;
                    return;
                }

                if (!char.IsControl(character) || character is '\n' or '\t')
                    _text.Append(character);
            }
        }
    }
}
