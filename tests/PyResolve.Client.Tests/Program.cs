using PyResolve.Client.Tests.Durability;
using PyResolve.Client.Tests.Leases;
using PyResolve.Client.Tests.Network;
using PyResolve.Client.Tests.Usage;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace PyResolve.Client.Tests;

/// <summary>The test runner; and the program that tests start and kill.</summary>
internal static class Program
{
    private static Task<int> Main(string[] args) => args switch
    {
        [ReportingProcess.Command, .. var rest] => ReportingProcess.MainAsync(rest),
        [SpendingProcess.Command, .. var rest] => SpendingProcess.MainAsync(rest),
        [FiveMinutesProcess.Command, .. var rest] => FiveMinutesProcess.MainAsync(rest),
        [UpgradingProcess.Argument, .. var rest] => UpgradingProcess.MainAsync(rest),
        [FailingDiskProcess.Command, .. var rest] => FailingDiskProcess.MainAsync(rest),
        _ when args.Contains("--server") || args.Contains("--internal-msbuild-node") =>
            TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
        _ => ConsoleRunner.Run(args),
    };
}
