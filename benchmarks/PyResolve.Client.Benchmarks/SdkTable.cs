using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using BenchmarkDotNet.Reports;

namespace PyResolve.Client.Benchmarks;

/// <summary>The measured figures, beside the goals.</summary>
internal static class SdkTable
{
    private static readonly Dictionary<string, Goal> Goals = new()
    {
        [nameof(CheckBenchmark)] = new(100, Bytes: 0),
        [nameof(ReportBenchmark)] = new(5_000, Bytes: null),
        [nameof(KeyStoreBenchmark)] = new(50_000, Bytes: null),
    };

    /// <exception cref="InvalidOperationException">A benchmark failed.</exception>
    public static string Of(Summary summary)
    {
        var text = new StringBuilder();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"Measured on {TimeProvider.System.GetUtcNow():yyyy-MM-dd} with BenchmarkDotNet, {Environment.ProcessorCount} cores and "
            + $"{RuntimeInformation.FrameworkDescription}.");
        text.AppendLine();
        text.AppendLine("|  | mean | ± | allocated | goal |  |");
        text.AppendLine("|---|--:|--:|--:|--:|---|");
        foreach (var report in summary.Reports)
            text.AppendLine(Row(report));
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static string Row(BenchmarkReport report)
    {
        var descriptor = report.BenchmarkCase.Descriptor;
        var statistics = report.ResultStatistics
            ?? throw new InvalidOperationException($"{descriptor.Type.Name} failed; its error is above.");
        var bytes = report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0;
        var goal = Goals[descriptor.Type.Name];
        var isMet = statistics.Mean <= goal.Nanoseconds && bytes <= (goal.Bytes ?? long.MaxValue);
        var name = descriptor.WorkloadMethodDisplayInfo.Trim('\'');
        var (mean, error) = (Time(statistics.Mean), Time(statistics.StandardError));
        var result = isMet ? "met" : "missed";
        return string.Create(CultureInfo.InvariantCulture, $"| {name} | {mean} | {error} | {bytes:N0} B | {goal} | {result} |");
    }

    private static string Time(double nanoseconds) => nanoseconds < 1000
        ? string.Create(CultureInfo.InvariantCulture, $"{nanoseconds:0.0} ns")
        : string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1000:N2} µs");

    private sealed record Goal(double Nanoseconds, long? Bytes)
    {
        public override string ToString() =>
            (Nanoseconds < 1000 ? $"{Nanoseconds:0} ns" : $"{Nanoseconds / 1000:0} µs") + (Bytes is { } bytes ? $", {bytes} B" : "");
    }
}
