using System.Buffers;
using System.Globalization;
using System.Text;

namespace PyResolve.Server.Statistics;

/// <summary>
/// CSV as RFC 4180 has it, in UTF-8, piece by piece: filled, sent, emptied. Text that a spreadsheet would take for a formula gets an
/// apostrophe before it, at its start and wherever a spreadsheet that splits at semicolons or tabs would start a cell.
/// </summary>
/// <param name="capacity">How many bytes make it full. A record that was begun is written to its end.</param>
internal sealed class CsvBuffer(int capacity)
{
    private const int LongestPlainValue = 36;
    private const string InstantFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'";

    /// <summary>What begins a formula, in its narrow and its wide form.</summary>
    private static readonly SearchValues<char> FormulaStarts = SearchValues.Create("=+-@\uFF1D\uFF0B\uFF0D\uFF20");
    private static readonly SearchValues<char> CellBreaks = SearchValues.Create(";\t\r\n");
    private static readonly SearchValues<char> Quoted = SearchValues.Create(",\"\r\n");

    private readonly ArrayBufferWriter<byte> _bytes = new(capacity + (capacity / 4));
    private bool _isInRecord;

    public bool IsFull => _bytes.WrittenCount >= capacity;

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public void Clear() => _bytes.ResetWrittenCount();

    /// <summary>An absent text is an empty field.</summary>
    public void Text(string? value)
    {
        Separate();
        if (string.IsNullOrEmpty(value))
            return;
        var harmless = Disarm(value);
        var field = harmless.AsSpan().ContainsAny(Quoted) ? $"\"{harmless.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : harmless;
        Encoding.UTF8.GetBytes(field, _bytes);
    }

    public void Number(long value) => Plain(value, default);

    public void Id(Guid? value)
    {
        if (value is { } id)
            Plain(id, "D");
        else
            Separate();
    }

    /// <summary>As everywhere on the wire: UTC, to the microsecond.</summary>
    public void Instant(DateTimeOffset value) => Plain(value.UtcDateTime, InstantFormat);

    public void EndRecord()
    {
        _bytes.Write("\r\n"u8);
        _isInRecord = false;
    }

    private static string Disarm(string value)
    {
        if (!value.AsSpan().ContainsAny(FormulaStarts))
            return value;
        var harmless = new StringBuilder(value.Length + 1);
        var startsCell = true;
        foreach (var character in value)
        {
            if (startsCell && FormulaStarts.Contains(character))
                harmless.Append('\'');
            harmless.Append(character);
            startsCell = CellBreaks.Contains(character);
        }

        return harmless.ToString();
    }

    private void Plain<T>(T value, ReadOnlySpan<char> format)
        where T : IUtf8SpanFormattable
    {
        Separate();
        value.TryFormat(_bytes.GetSpan(LongestPlainValue), out var written, format, CultureInfo.InvariantCulture);
        _bytes.Advance(written);
    }

    private void Separate()
    {
        if (_isInRecord)
            _bytes.Write(","u8);
        _isInRecord = true;
    }
}
