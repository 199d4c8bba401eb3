namespace Tour;

/// <summary>The differences between two texts: the longest common subsequence of lines, and the other lines marked with - and +.</summary>
internal static class LineDiff
{
    private const string Ellipsis = "  …";

    /// <summary>The first changes that fit into a number of lines, each with a line of context, and an ellipsis between them.</summary>
    public static IEnumerable<string> Excerpt(string[] before, string[] after, int lines)
    {
        var all = Compare(before, after).ToList();
        var shown = new List<string>();
        for (var i = 0; i < all.Count && shown.Count < lines; i++)
        {
            if (IsNearChange(all, i) && !string.IsNullOrWhiteSpace(all[i]))
                shown.Add(all[i]);
            else if (shown.Count > 0 && shown[^1] != Ellipsis && !IsNearChange(all, i))
                shown.Add(Ellipsis);
        }
        return shown;
    }

    private static bool IsNearChange(List<string> all, int index) =>
        Enumerable.Range(index - 1, 3).Any(i => i >= 0 && i < all.Count && all[i][0] != ' ');

    private static IEnumerable<string> Compare(string[] before, string[] after)
    {
        var common = new int[before.Length + 1, after.Length + 1];
        for (var i = before.Length - 1; i >= 0; i--)
        {
            for (var j = after.Length - 1; j >= 0; j--)
                common[i, j] = before[i] == after[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        var (b, a) = (0, 0);
        while (b < before.Length || a < after.Length)
        {
            if (b < before.Length && a < after.Length && before[b] == after[a])
            {
                yield return "  " + before[b++];
                a++;
            }
            else if (a >= after.Length || (b < before.Length && common[b + 1, a] >= common[b, a + 1]))
                yield return "- " + before[b++];
            else
                yield return "+ " + after[a++];
        }
    }
}
