using System.CommandLine;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Client.Benchmarks;

var quick = new Option<bool>("--quick") { Description = "Run everything once: to see that it works, not how fast it is." };
var output = new Option<FileInfo?>("--output") { Description = "The page to write the table into; docs/performance.md by default." };
var root = new RootCommand("Measures what the SDK costs its host, and writes the table into docs/performance.md.") { quick, output };
root.SetAction(parse =>
{
    var page = PerformancePage.At(parse.GetValue(output), "performance.md");
    var artifacts = Directory.CreateTempSubdirectory("pyresolve-benchmarks-");
    try
    {
        var config = ManualConfig.CreateEmpty()
            .AddJob((parse.GetValue(quick) ? Job.Dry : Job.Default).WithToolchain(InProcessEmitToolchain.Instance))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(ConsoleLogger.Default)
            .WithArtifactsPath(artifacts.FullName)
            .WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DisableOptimizationsValidator | ConfigOptions.DisableLogFile);
        var summary = BenchmarkRunner.Run([typeof(CheckBenchmark), typeof(ReportBenchmark), typeof(KeyStoreBenchmark)], config).Single();
        var table = SdkTable.Of(summary);
        Console.WriteLine(table);
        page.Replace("sdk", table);
        return 0;
    }
    finally
    {
        artifacts.Delete(recursive: true);
    }
});
return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
