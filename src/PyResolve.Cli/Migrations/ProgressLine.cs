using System.Globalization;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Migrations;

/// <summary>How far something has come.</summary>
/// <param name="What"><c>Upgrading</c>, for example.</param>
/// <param name="Total"><see langword="null"/> when it is not known.</param>
/// <param name="File">What is being worked on.</param>
internal sealed record ProgressState(string What, long Done = 0, long? Total = null, string? File = null)
{
    /// <summary>While a migrator runs.</summary>
    public const string Upgrading = "Upgrading";

    public string Count => Total is { } total
        ? $"{QuotaText.FormatNumber(Done)}/{QuotaText.FormatNumber(total)} files"
        : Done > 0 ? QuotaText.Pluralize(Done, "file") : "";

    public long? Percent => Total is > 0 and var total ? Done * 100 / total : null;
}

/// <summary>Progress as one line of a terminal, which never fills the last column. What does not fit is left out, the file first.</summary>
internal static class ProgressLine
{
    private const int BarWidth = 20;
    private const int LeastFileWidth = 12;

    public static string Format(Terminal terminal, ProgressState state, TimeSpan elapsed, int columns)
    {
        var room = Math.Max(columns - 1, 0);
        string[] parts = [state.What, state.Count, FormatTime(elapsed)];
        var text = string.Join("  ", parts.Where(static part => part.Length > 0));
        if (text.Length > room)
            return text[..room];

        var length = text.Length;
        if (state.Percent is { } percent && length + BarWidth + 9 <= room)
        {
            text = string.Create(
                CultureInfo.InvariantCulture, $"{terminal.Bar(state.Done, state.Total!.Value, Colour.Green)} {percent,3} %  {text}");
            length += BarWidth + 8;
        }
        return state.File is { } file && room - length - 2 >= LeastFileWidth ? $"{text}  {Cut(terminal, file, room - length - 2)}" : text;
    }

    /// <summary><c>0:07</c>, <c>1:02:03</c>.</summary>
    public static string FormatTime(TimeSpan elapsed) => elapsed.ToString(
        elapsed < TimeSpan.FromHours(1) ? @"m\:ss" : @"h\:mm\:ss", CultureInfo.InvariantCulture);

    /// <summary>The end of a path says more than its beginning.</summary>
    private static string Cut(Terminal terminal, string file, int room)
    {
        var shown = PlainText.Of(file);
        return shown.Length <= room ? shown : terminal.Ellipsis + shown[^(room - terminal.Ellipsis.Length)..];
    }
}
