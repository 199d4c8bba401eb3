using System.Net;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Site;

/// <summary>Reads the first table of a page that is not the table of a chart.</summary>
internal static partial class PageTable
{
    /// <summary>The cells of each row, as text, with a bar between them.</summary>
    public static List<string> Rows(string page)
    {
        var table = Figure().Replace(page, "");
        return [.. Row().Matches(Body().Match(table).Value).Select(row => string.Join('|', Cell().Matches(row.Value).Select(TextOf)))];
    }

    private static string TextOf(Match cell) => Spaces().Replace(WebUtility.HtmlDecode(Tag().Replace(cell.Value, " ")), " ").Trim();

    [GeneratedRegex("<figure.*?</figure>", RegexOptions.Singleline, 1000)]
    private static partial Regex Figure();

    [GeneratedRegex("<tbody>.*?</tbody>", RegexOptions.Singleline, 1000)]
    private static partial Regex Body();

    [GeneratedRegex("<tr>.*?</tr>", RegexOptions.Singleline, 1000)]
    private static partial Regex Row();

    [GeneratedRegex("<t[hd] .*?</t[hd]>", RegexOptions.Singleline, 1000)]
    private static partial Regex Cell();

    [GeneratedRegex("<[^>]*>", RegexOptions.None, 1000)]
    private static partial Regex Tag();

    [GeneratedRegex("\\s+", RegexOptions.None, 1000)]
    private static partial Regex Spaces();
}
