using System.Globalization;
using System.Text;

namespace PyResolve.Benchmarks.Reporting;

internal static class Markdown
{
    public static string Section(ScenarioResult findings, Machine machine, Effort effort)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Measured on {TimeProvider.System.GetUtcNow():yyyy-MM-dd}: {machine.Facts}. ");
        text.Append(CultureInfo.InvariantCulture, $"{effort.Rounds} rounds of {effort.Length.TotalSeconds:0.##} s, ");
        text.Append(CultureInfo.InvariantCulture, $"{effort.Connections} connections where a row does not say otherwise; ");
        text.Append("median (lowest–highest).");
        if (machine.IsBusy)
            text.Append(CultureInfo.InvariantCulture, $" Other work ran on the machine (load average {machine.LoadAverage:0.0} before): ")
                .Append("only the ratios are meaningful.");
        text.Append('\n');

        foreach (var table in findings.Tables)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n| {string.Join(" | ", table.Columns)} |\n");
        text.Append(CultureInfo.InvariantCulture, $"|---|{string.Concat(table.Columns.Skip(1).Select(_ => "--:|"))}\n");
            foreach (var row in table.Rows)
                text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", row)} |\n");
        }

        text.Append('\n');
        foreach (var goal in findings.Goals)
            text.Append(CultureInfo.InvariantCulture, $"- {goal.Promise}: **{goal.Measured}**, {(goal.IsMet ? "met" : "missed")}.\n");
        return text.ToString();
    }
}
