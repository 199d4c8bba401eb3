using System.Globalization;
using PyResolve.Server.Backups;

namespace PyResolve.Server.Commands;

/// <summary>One line on a terminal that says how far a long command is, until it is disposed. Elsewhere nothing.</summary>
/// <param name="done">What is done, such as <c>Written</c>.</param>
/// <param name="unit">What is counted.</param>
internal sealed class ProgressLine(string done, string unit = "rows") : IProgress<TableProgress>, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly bool IsTerminal = !Console.IsErrorRedirected;

    private string? _name;
    private long _shownAt;

    public void Report(TableProgress value) => Report(value.Table, value.Rows, value.AllRows);

    /// <param name="name">What it is at. Another one than before is shown at once.</param>
    /// <param name="count">How much is done; null where it cannot be told.</param>
    /// <param name="all">How much there is; null where that is not known.</param>
    public void Report(string name, long? count = null, long? all = null)
    {
        if (!IsTerminal || (name == _name && TimeProvider.System.GetElapsedTime(_shownAt) < Interval))
            return;
        (_name, _shownAt) = (name, TimeProvider.System.GetTimestamp());
        Console.Error.Write($"\r\e[K{done} {name}{Describe(count, all)}");
    }

    /// <summary>Before anything else is written.</summary>
    public void Clear()
    {
        if (IsTerminal && _name is not null)
            Console.Error.Write("\r\e[K");
    }

    public void Dispose() => Clear();

    private string Describe(long? count, long? all) => (count, all) switch
    {
        (null, _) => "",
        (_, null) => string.Create(CultureInfo.InvariantCulture, $": {count:N0} {unit}"),
        _ => string.Create(
            CultureInfo.InvariantCulture,
            $": {count:N0} of {all:N0} {unit}, {(all == 0 ? 100 : Math.Min(100, count.Value * 100 / all.Value))} %"),
    };
}
