namespace PyResolve.Cli.Output;

/// <summary>Columns that line up, two spaces apart. Numbers to the right. What does not fit is cut off in the first column.</summary>
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
            widths[0] = Math.Max(Math.Min(widths[0], LeastFirstColumn), widths[0] - excess);

        if (columns.Any(static column => column.Title.Length > 0))
        {
            var titles = Format(terminal, [.. columns.Select(static column => column.Title)], widths);
            terminal.Line(terminal.Paint(indent + titles, Colour.Dim));
        }

        foreach (var row in _rows)
            terminal.Line(indent + Format(terminal, row, widths));
    }

    private string Format(Terminal terminal, string[] cells, int[] widths) => string.Join(Gap, cells.Select((cell, i) =>
    {
        var text = cell.Length <= widths[i] ? cell : cell[..(widths[i] - terminal.Ellipsis.Length)] + terminal.Ellipsis;
        return columns[i].IsNumber ? text.PadLeft(widths[i]) : text.PadRight(widths[i]);
    })).TrimEnd();
}

internal sealed record TableColumn(string Title, bool IsNumber = false);
