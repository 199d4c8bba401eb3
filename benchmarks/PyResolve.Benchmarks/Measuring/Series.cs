using System.Globalization;

namespace PyResolve.Benchmarks.Measuring;

/// <summary>One figure, measured several times.</summary>
internal sealed class Series
{
    private readonly double[] _sorted;

    public Series(IEnumerable<double> values)
    {
        _sorted = [.. values.Order()];
        if (_sorted.Length == 0)
            throw new ArgumentException("Nothing was measured.", nameof(values));
    }

    public double Median => _sorted.Length % 2 == 1
        ? _sorted[_sorted.Length / 2]
        : (_sorted[(_sorted.Length / 2) - 1] + _sorted[_sorted.Length / 2]) / 2;

    public double Min => _sorted[0];

    public double Max => _sorted[^1];

    /// <summary>The median, with the minimum and the maximum in brackets.</summary>
    /// <param name="format">The format of each number.</param>
    public string Format(string format) => $"{Text(Median, format)} ({Text(Min, format)}–{Text(Max, format)})";

    private static string Text(double value, string format) =>
        double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "∞";
}
