using PyResolve.Benchmarks.Measuring;

namespace PyResolve.Benchmarks.Reporting;

/// <summary>The usual table: a row for each arm, compared with one of them by CPU time.</summary>
internal static class SampleTable
{
    public static Table Of(PairedSamples samples, IEnumerable<Arm> arms, Arm baseline) => new(
        ["", "requests/s", "server CPU µs/request", "median ms", "99 % ms", $"CPU against {baseline.Name}"],
        [.. arms.Select(arm => Row(samples, arm, baseline))]);

    private static string[] Row(PairedSamples samples, Arm arm, Arm baseline) =>
    [
        arm.Name,
        samples.Of(arm, sample => sample.PerSecond).Format("N0"),
        samples.Of(arm, sample => sample.CpuMicroseconds).Format("N1"),
        samples.Of(arm, sample => sample.MedianMilliseconds).Format("N2"),
        samples.Of(arm, sample => sample.TailMilliseconds).Format("N1"),
        arm == baseline ? "1" : samples.Ratio(arm, baseline, sample => sample.CpuMicroseconds).Format("N2"),
    ];
}
