using System.Buffers;
using System.Globalization;
using System.Text;

namespace PyResolve.Server.Statistics;

/// <summary>
/// Writes RFC 4180 in UTF-8. Text that a spreadsheet would read as a formula gets an apostrophe in front, also where a spreadsheet that
/// splits at semicolons or tabs would start a cell. The last record may exceed <paramref name="capacity"/>, in bytes.
/// </summary>
internal sealed class CsvBuffer(int capacity)
{
    private const int MaxPlainValue = 36;
    private const string InstantFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'";

    /// <summary>The characters that begin a formula, in ASCII and full-width forms.</summary>
    private static readonly SearchValues<char> FormulaStarts = SearchValues.Create("=+-@\uFF1D\uFF0B\uFF0D\uFF20");
    private static readonly SearchValues<char> CellBreaks = SearchValues.Create(";\t\r\n");
    private static readonly SearchValues<char> Quoted = SearchValues.Create(",\"\r\n");

    private readonly ArrayBufferWriter<byte> _bytes = new(capacity + (capacity / 4));
    private bool _isInRecord;

    public bool IsFull => _bytes.WrittenCount >= capacity;

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public void Clear() => _bytes.ResetWrittenCount();

    public void Text(string? value)
    {
        Separate();
        if (string.IsNullOrEmpty(value))
            return;
        var escaped = EscapeFormulas(value);
        var field = escaped.AsSpan().ContainsAny(Quoted) ? $"\"{escaped.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : escaped;
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

    /// <summary>Writes an instant in UTC, to the microsecond.</summary>
    public void Instant(DateTimeOffset value) => Plain(value.UtcDateTime, InstantFormat);

    public void EndRecord()
    {
        _bytes.Write("\r\n"u8);
        _isInRecord = false;
    }

    private static string EscapeFormulas(string value)
    {
        if (!value.AsSpan().ContainsAny(FormulaStarts))
            return value;
        var escaped = new StringBuilder(value.Length + 1);
        var startsCell = true;
        foreach (var character in value)
        {
            if (startsCell && FormulaStarts.Contains(character))
                escaped.Append('\'');
            escaped.Append(character);
            startsCell = CellBreaks.Contains(character);
        }

        return escaped.ToString();
    }

    private void Plain<T>(T value, ReadOnlySpan<char> format)
        where T : IUtf8SpanFormattable
    {
        Separate();
        value.TryFormat(_bytes.GetSpan(MaxPlainValue), out var written, format, CultureInfo.InvariantCulture);
        _bytes.Advance(written);
    }

    private void Separate()
    {
        if (_isInRecord)
            _bytes.Write(","u8);
        _isInRecord = true;
    }
}
