using System.Text;

namespace PyResolve.Cli.Output;

internal static class TextWrap
{
    /// <summary>Lines of at most so many columns. No word is broken: one that is longer has a line of its own. Colours take no room.
    /// </summary>
    /// <param name="text">One line.</param>
    /// <param name="width">The columns.</param>
    /// <param name="indent">Before each line but the first.</param>
    public static IEnumerable<string> Lines(string text, int width, string indent)
    {
        if (Columns(text) <= width)
            return [text];
        var lines = new List<string>();
        var line = new StringBuilder();
        var columns = 0;
        foreach (var (gap, word) in Words(text))
        {
            var needed = Columns(word);
            if (columns + gap + needed > width && columns > 0 && !string.IsNullOrWhiteSpace(line.ToString()))
            {
                lines.Add(line.ToString());
                line.Clear().Append(indent);
                columns = indent.Length;
            }
            else
            {
                line.Append(' ', gap);
                columns += gap;
            }
            line.Append(word);
            columns += needed;
        }
        lines.Add(line.ToString());
        return lines;
    }

    /// <summary>Below the value of <c>  Resets:     2026-12-01</c>; below other lines, two columns further in.</summary>
    public static string IndentOf(string line)
    {
        const int WidestLabel = 14;
        var start = line.Length - line.TrimStart(' ').Length;
        var colon = line.IndexOf(": ", StringComparison.Ordinal);
        var value = colon < 0 ? -1 : colon + 1;
        while (value >= 0 && value < line.Length && line[value] == ' ')
            value++;
        return new string(' ', value > colon + 2 && value <= WidestLabel ? value : start + 2);
    }

    /// <summary>The words, and how many spaces stand before each.</summary>
    private static IEnumerable<(int Gap, string Word)> Words(string text)
    {
        var position = 0;
        while (position < text.Length)
        {
            var start = position;
            while (position < text.Length && text[position] == ' ')
                position++;
            var end = text.IndexOf(' ', position) is >= 0 and var space ? space : text.Length;
            if (end > position)
                yield return (position - start, text[position..end]);
            position = end;
        }
    }

    private static int Columns(string text)
    {
        var columns = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\e' && text.IndexOf('m', i) is > 0 and var end)
                i = end;
            else
                columns++;
        }
        return columns;
    }
}
