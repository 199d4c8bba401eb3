using System.Globalization;
using System.Text;

namespace PyResolve.Server.Pages;

/// <summary>One bar. <c>Label</c> names it in the table, <c>Tick</c> under the chart, where it is not null.</summary>
internal sealed record ChartBar(string Label, long Value, string? Tick = null)
{
    /// <summary>Whether the value is only expected: the bar is paler, and said to be expected.</summary>
    public bool IsExpected { get; init; }

    /// <summary>The page that the bar leads to, from the root, with its query.</summary>
    public string? Link { get; init; }
}

/// <summary>Bars beside each other, drawn as SVG, with a table of the same numbers under it.</summary>
/// <param name="Id">Unique in its page.</param>
/// <param name="Description">What a person sees in it, for who does not.</param>
internal sealed record Chart(string Id, string Title, string Description, IReadOnlyList<ChartBar> Bars)
{
    private const int Height = 1_000;
    private const int Step = 40;
    private const int BarWidth = 30;
    private const int MinHeight = 15;

    /// <summary>The heading of the labels, such as "Day".</summary>
    public required string Labels { get; init; }

    public string Values { get; init; } = "Migrations";

    /// <summary>The value of a line across the chart; null: none.</summary>
    public long? Limit { get; init; }

    /// <summary>Whether the numbers are shown as a table too. false: the page has a table of its own.</summary>
    public bool HasTable { get; init; } = true;

    public long Top => Math.Max(1, Math.Max(Limit ?? 0, Bars.Count == 0 ? 0 : Bars.Max(static bar => bar.Value)));

    public string ViewBox => string.Create(CultureInfo.InvariantCulture, $"0 0 {Width} {Height}");

    public string? LimitPath => Limit is { } limit ? string.Create(CultureInfo.InvariantCulture, $"M0,{YOf(limit)}H{Width}") : null;

    /// <summary>Draws all bars as one path: a rectangle each would be several times as long.</summary>
    public string Path(bool areExpected)
    {
        var path = new StringBuilder();
        for (var i = 0; i < Bars.Count; i++)
        {
            if (Bars[i].IsExpected == areExpected && Bars[i].Value > 0)
            {
                path.Append(
                    CultureInfo.InvariantCulture,
                    $"M{(i * Step) + ((Step - BarWidth) / 2)},{Height}V{YOf(Bars[i].Value)}h{BarWidth}V{Height}z");
            }
        }

        return path.ToString();
    }

    private int Width => Math.Max(1, Bars.Count) * Step;

    private int YOf(long value) => Height - Math.Clamp((int)Math.Round((double)value / Top * Height), MinHeight, Height);
}

/// <summary>A chart in a cell of a table, beside its sum, which says the same in words.</summary>
internal static class Sparkline
{
    public const int Height = 24;
    public const int Step = 3;

    public static string Path(IReadOnlyList<long> values)
    {
        var top = Math.Max(1, values.Max());
        var path = new StringBuilder();
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] > 0)
            {
                var height = Math.Clamp((int)Math.Round((double)values[i] / top * Height), 2, Height);
                path.Append(CultureInfo.InvariantCulture, $"M{i * Step},{Height}v-{height}h2v{height}z");
            }
        }

        return path.ToString();
    }
}
