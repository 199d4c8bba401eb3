using System.Runtime.InteropServices;

namespace PyResolve.Cli.Migrations;

/// <summary>A line of both texts (' '), of the old one ('-') or of the new one ('+').</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DiffLine(char Kind, string Text);

/// <summary>The shortest list of removed and added lines between two texts, by the algorithm of Myers.</summary>
internal static class LineDiff
{
    /// <summary>Beyond so many changes, the rest is shown as replaced: memory grows with the square.</summary>
    private const int MostEdits = 1000;

    public static List<DiffLine> Compare(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        var prefix = 0;
        while (prefix < before.Count && prefix < after.Count && before[prefix] == after[prefix])
            prefix++;
        var suffix = 0;
        while (suffix < before.Count - prefix && suffix < after.Count - prefix && before[^(suffix + 1)] == after[^(suffix + 1)])
            suffix++;

        var result = new List<DiffLine>(before.Count + 16);
        result.AddRange(before.Take(prefix).Select(static line => new DiffLine(' ', line)));
        string[] oldMiddle = [.. before.Skip(prefix).SkipLast(suffix)], newMiddle = [.. after.Skip(prefix).SkipLast(suffix)];
        result.AddRange(FindPath(oldMiddle, newMiddle) is { } trace ? Trace(oldMiddle, newMiddle, trace) : Replace(oldMiddle, newMiddle));
        result.AddRange(before.Skip(before.Count - suffix).Select(static line => new DiffLine(' ', line)));
        return result;
    }

    private static IEnumerable<DiffLine> Replace(string[] before, string[] after) =>
        before.Select(static line => new DiffLine('-', line)).Concat(after.Select(static line => new DiffLine('+', line)));

    /// <summary>
    /// For each number of edits, how far each diagonal gets in the old text; <see langword="null"/> when there are too many. A diagonal is
    /// the position in the old text minus that in the new one.
    /// </summary>
    private static List<int[]>? FindPath(string[] before, string[] after)
    {
        var trace = new List<int[]>();
        // furthest[diagonal + edits]: one entry more on each side than diagonals can be reached with the edits.
        var furthest = new int[3];
        for (var edits = 0; edits <= Math.Min(before.Length + after.Length, MostEdits); edits++)
        {
            trace.Add(furthest);
            var next = new int[(2 * edits) + 5];
            for (var diagonal = -edits; diagonal <= edits; diagonal += 2)
            {
                var x = IsDown(furthest, diagonal, edits) ? At(furthest, diagonal + 1, edits) : At(furthest, diagonal - 1, edits) + 1;
                if (edits == 0)
                    x = 0;
                while (x < before.Length && x - diagonal < after.Length && before[x] == after[x - diagonal])
                    x++;
                next[diagonal + edits + 2] = x;
                if (x >= before.Length && x - diagonal >= after.Length)
                    return trace;
            }
            furthest = next;
        }
        return null;
    }

    /// <summary>From the end back to the beginning.</summary>
    private static List<DiffLine> Trace(string[] before, string[] after, List<int[]> trace)
    {
        var lines = new List<DiffLine>();
        var (x, y) = (before.Length, after.Length);
        for (var edits = trace.Count - 1; edits > 0; edits--)
        {
            var diagonal = x - y;
            var isDown = IsDown(trace[edits], diagonal, edits);
            var fromX = At(trace[edits], isDown ? diagonal + 1 : diagonal - 1, edits);
            var fromY = fromX - (isDown ? diagonal + 1 : diagonal - 1);
            while (x > fromX && y > fromY)
            {
                lines.Add(new DiffLine(' ', before[--x]));
                y--;
            }
            lines.Add(isDown ? new DiffLine('+', after[--y]) : new DiffLine('-', before[--x]));
        }
        while (x > 0)
            lines.Add(new DiffLine(' ', before[--x]));
        lines.Reverse();
        return lines;
    }

    /// <summary>Whether the last edit on the way to this diagonal is an added line.</summary>
    private static bool IsDown(int[] furthest, int diagonal, int edits) => diagonal == -edits
        || (diagonal != edits && At(furthest, diagonal - 1, edits) < At(furthest, diagonal + 1, edits));

    /// <summary>Of the diagonals that were reached with one edit less.</summary>
    private static int At(int[] furthest, int diagonal, int edits) => furthest[diagonal + edits + 1];
}
