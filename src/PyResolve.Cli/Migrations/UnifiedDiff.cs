using System.Globalization;
using System.Text;

namespace PyResolve.Cli.Migrations;

/// <summary>One state of a file.</summary>
internal sealed record DiffSide(byte[] Content, bool IsExecutable);

/// <summary>Writes what <c>git diff</c> would, for <c>git apply</c> and <c>patch -p1</c>.</summary>
internal sealed class UnifiedDiff(Action<string> write)
{
    private const int Context = 3;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <param name="name">With <c>/</c> between the names of folders.</param>
    /// <param name="before"><see langword="null"/> when the file is new.</param>
    /// <param name="after"><see langword="null"/> when the file is removed.</param>
    public void Add(string name, DiffSide? before, DiffSide? after)
    {
        write($"diff --git {Quote("a/" + name)} {Quote("b/" + name)}");
        if (before is null)
            write($"new file mode {Mode(after!)}");
        else if (after is null)
            write($"deleted file mode {Mode(before)}");

        var (oldName, newName) = (before is null ? "/dev/null" : "a/" + name, after is null ? "/dev/null" : "b/" + name);
        if (ReadLines(before) is not { } oldLines || ReadLines(after) is not { } newLines)
        {
            write($"Binary files {Quote(oldName)} and {Quote(newName)} differ");
            return;
        }
        var lines = LineDiff.Compare(oldLines, newLines);
        if (lines.Exists(static line => line.Kind != ' '))
        {
            write($"--- {QuoteInHeader(oldName)}");
            write($"+++ {QuoteInHeader(newName)}");
        }
        WriteHunks(lines);
    }

    private void WriteHunks(List<DiffLine> lines)
    {
        var (oldLine, newLine) = (1, 1);
        var next = 0;
        while (lines.FindIndex(next, static line => line.Kind != ' ') is >= 0 and var change)
        {
            var start = Math.Max(next, change - Context);
            (oldLine, newLine) = (oldLine + start - next, newLine + start - next);
            var end = FindEnd(lines, change);
            var hunk = lines.GetRange(start, end - start);
            var (removed, added) = (hunk.Count(static line => line.Kind != '+'), hunk.Count(static line => line.Kind != '-'));
            write($"@@ -{Range(oldLine, removed)} +{Range(newLine, added)} @@");
            foreach (var line in hunk)
                WriteLine(line);
            (oldLine, newLine, next) = (oldLine + removed, newLine + added, end);
        }
    }

    /// <summary>Changes with no more than twice the context between them are one hunk.</summary>
    private static int FindEnd(List<DiffLine> lines, int change)
    {
        var last = change;
        for (var i = change; i < lines.Count && i - last <= (2 * Context) + 1; i++)
            last = lines[i].Kind == ' ' ? last : i;
        return Math.Min(lines.Count, last + 1 + Context);
    }

    private void WriteLine(DiffLine line)
    {
        var isEnded = line.Text is [.., '\n'];
        write($"{line.Kind}{(isEnded ? line.Text[..^1] : line.Text)}");
        if (!isEnded)
            write("\\ No newline at end of file");
    }

    private static string Range(int line, int count)
    {
        // Of nothing, the line before it.
        var start = (count == 0 ? line - 1 : line).ToString(CultureInfo.InvariantCulture);
        return count == 1 ? start : start + "," + count.ToString(CultureInfo.InvariantCulture);
    }

    private static string Mode(DiffSide side) => side.IsExecutable ? "100755" : "100644";

    /// <summary>Each with its line feed; <see langword="null"/> for what is no text.</summary>
    private static List<string>? ReadLines(DiffSide? side)
    {
        if (side is null)
            return [];
        if (side.Content.AsSpan().Contains((byte)0))
            return null;
        string text;
        try
        {
            text = StrictUtf8.GetString(side.Content);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }

        var lines = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = text.IndexOf('\n', start) is >= 0 and var feed ? feed + 1 : text.Length;
            lines.Add(text[start..end]);
            start = end;
        }
        return lines;
    }

    /// <summary>Without the tab, <c>patch</c> would take a name to end at its first blank.</summary>
    private static string QuoteInHeader(string name) =>
        Quote(name) is var quoted && quoted == name && name.Contains(' ', StringComparison.Ordinal) ? name + "\t" : quoted;

    private static string Quote(string name)
    {
        if (!name.Any(static c => char.IsControl(c) || c is '"' or '\\'))
            return name;
        var quoted = new StringBuilder("\"");
        foreach (var c in name)
        {
            _ = c switch
            {
                '"' or '\\' => quoted.Append('\\').Append(c),
                '\n' => quoted.Append("\\n"),
                '\t' => quoted.Append("\\t"),
                _ when char.IsControl(c) && c < 128 => quoted.Append('\\').Append(Convert.ToString(c, 8).PadLeft(3, '0')),
                _ => quoted.Append(c),
            };
        }
        return quoted.Append('"').ToString();
    }
}
