using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks;

internal static class BenchmarkRun
{
    /// <returns>The exit code. A missed goal is on the page and does not fail the run; a wrong answer throws.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<Scenario> scenarios,
        Effort effort,
        DirectoryInfo? server,
        DirectoryInfo? before,
        FileInfo? output,
        CancellationToken cancellationToken)
    {
        using var published = await PublishedServer.InAsync(server, cancellationToken);
        await using var postgres = await PostgresServer.StartAsync(durable: true, cancellationToken);
        foreach (var scenario in scenarios)
        {
            await Console.Error.WriteLineAsync($"{scenario.Name} …");
            var machine = await Machine.ReadAsync(postgres.ConnectionString, cancellationToken);
            using var bench = new Bench(effort, postgres, published, before);
            var findings = await scenario.MeasureAsync(bench, cancellationToken);
            var section = Markdown.Section(findings, machine, effort);
            Console.WriteLine(section);
            PerformancePage.At(output, scenario.Page).Replace(scenario.Name, section);
        }

        return 0;
    }
}
