using System.Globalization;
using PyResolve.Server.Backups;

namespace PyResolve.Server.Commands;

/// <summary>One line on a terminal that says how far a long command is. Elsewhere nothing.</summary>
internal sealed class ProgressLine(string done) : IProgress<TableProgress>
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly bool IsTerminal = !Console.IsErrorRedirected;

    private long _shownAt;

    public void Report(TableProgress value)
    {
        if (!IsTerminal || (_shownAt != 0 && TimeProvider.System.GetElapsedTime(_shownAt) < Interval))
            return;
        _shownAt = TimeProvider.System.GetTimestamp();
        var percent = value.AllRows == 0 ? 100 : Math.Min(100, value.Rows * 100 / value.AllRows);
        Console.Error.Write(string.Create(
            CultureInfo.InvariantCulture, $"\r\e[K{done} {value.Table}: {value.Rows:N0} of {value.AllRows:N0} rows, {percent} %"));
    }

    public void Clear()
    {
        if (IsTerminal && _shownAt != 0)
            Console.Error.Write("\r\e[K");
    }
}
