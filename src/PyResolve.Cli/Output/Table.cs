namespace PyResolve.Cli.Output;

/// <summary>
/// Columns that line up, two spaces apart. Numbers to the right. What does not fit is cut off in the first column; where that is not
/// enough, each cell has a line of its own.
/// </summary>
internal sealed class Table(params TableColumn[] columns)
{
    private const string Gap = "  ";
    private const int LeastFirstColumn = 12;

    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public void Write(Terminal terminal, string indent = "  ")
    {
        var widths = columns.Select((column, i) => _rows.Select(row => row[i].Length).Append(column.Title.Length).Max()).ToArray();
        var excess = indent.Length + widths.Sum() + (Gap.Length * (widths.Length - 1)) - terminal.Width;
        if (excess > 0)
        {
            var shorter = Math.Max(Math.Min(widths[0], LeastFirstColumn), widths[0] - excess);
            if (widths[0] - shorter < excess)
            {
                WriteCells(terminal, indent);
                return;
            }
            widths[0] = shorter;
        }

        if (columns.Any(static column => column.Title.Length > 0))
        {
            var titles = Format(terminal, [.. columns.Select(static column => column.Title)], widths);
            terminal.Line(terminal.Paint(indent + titles, Colour.Dim));
        }

        foreach (var row in _rows)
            terminal.Line(indent + Format(terminal, row, widths));
    }

    /// <summary>As <c>  Tier: tier2</c>, with an empty line between rows.</summary>
    private void WriteCells(Terminal terminal, string indent)
    {
        foreach (var row in _rows)
        {
            if (row != _rows[0])
                terminal.Line();
            for (var i = 0; i < row.Length; i++)
            {
                var title = columns[i].Title.Length > 0 ? terminal.Paint($"{columns[i].Title}: ", Colour.Dim) : "";
                if (row[i].Length > 0)
                    terminal.Line(indent + title + row[i]);
            }
        }
    }

    private string Format(Terminal terminal, string[] cells, int[] widths) => string.Join(Gap, cells.Select((cell, i) =>
    {
        var text = cell.Length <= widths[i] ? cell : cell[..(widths[i] - terminal.Ellipsis.Length)] + terminal.Ellipsis;
        return columns[i].IsNumber ? text.PadLeft(widths[i]) : text.PadRight(widths[i]);
    })).TrimEnd();
}

internal sealed record TableColumn(string Title, bool IsNumber = false);
